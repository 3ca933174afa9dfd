"""Valid files with reproducible random damage."""

import random
from collections.abc import Callable, Iterator
from typing import Final

from tests.support.heif import heic
from tests.support.still_images import card, encoded
from tests.support.videos import make_video, numbered
from tests.unit.poseway.media.test_animated_image import animated

_HEAD: Final = 512


def _flip(data: bytearray, start: int, end: int, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 12)):
        data[rng.randrange(start, end)] ^= 1 << rng.randrange(8)


def head_flipped(data: bytearray, rng: random.Random) -> None:
    """Flips bits at the start, where the container's type is."""
    _flip(data, 0, min(_HEAD, len(data)), rng)


def tail_flipped(data: bytearray, rng: random.Random) -> None:
    """Flips bits at the end, where many formats have their index."""
    _flip(data, max(0, len(data) - 2 * _HEAD), len(data), rng)


def flipped(data: bytearray, rng: random.Random) -> None:
    """Flips bits anywhere."""
    _flip(data, 0, len(data), rng)


def cut(data: bytearray, rng: random.Random) -> None:
    """Cuts off the end."""
    del data[rng.randrange(1, len(data)) :]


def holed(data: bytearray, rng: random.Random) -> None:
    """Removes bytes from the middle."""
    start = rng.randrange(len(data))
    del data[start : start + rng.randint(1, 2000)]


def zeroed(data: bytearray, rng: random.Random) -> None:
    """Overwrites bytes with zeros."""
    start = rng.randrange(len(data))
    length = min(rng.randint(1, 2000), len(data) - start)
    data[start : start + length] = bytes(length)


def doubled(data: bytearray, rng: random.Random) -> None:
    """Repeats some bytes."""
    start = rng.randrange(len(data))
    piece = data[start : start + rng.randint(1, 2000)]
    data[start:start] = piece


def enlarged(data: bytearray, rng: random.Random) -> None:
    """Sets four bytes, such as a size, a count or a time, to the largest number."""
    start = rng.randrange(max(1, min(len(data), 4 * _HEAD) - 4))
    data[start : start + 4] = rng.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"))


MUTATIONS: Final[tuple[Callable[[bytearray, random.Random], None], ...]] = (
    head_flipped,
    tail_flipped,
    flipped,
    cut,
    holed,
    zeroed,
    doubled,
    enlarged,
)


def whole() -> dict[str, bytes]:
    """A valid file of every kind, by its suffix."""
    return {
        "mp4": make_video(8, sound=True),
        "mov": make_video(8, container="mov"),
        "mkv": make_video(8, container="matroska"),
        "webm": make_video(8, codec="libvpx-vp9", container="webm"),
        "av1.mp4": make_video(8, codec="libsvtav1", options={"preset": "12"}),
        "hevc.mp4": make_video(8, codec="libx265", options={"x265-params": "log-level=none"}),
        "avi": make_video(8, codec="mpeg4", container="avi"),
        "ts": make_video(8, container="mpegts"),
        "mpg": make_video(8, codec="mpeg2video", container="mpeg"),
        "flv": make_video(8, container="flv"),
        "ogg": make_video(8, codec="libvpx", container="ogg"),
        "gif": make_video(8, codec="gif", container="gif", pix_fmt="rgb8"),
        "jpg": encoded(card(), "jpg"),
        "png": encoded(card(), "png"),
        "webp": encoded(card(), "webp"),
        "heic": heic([card(64, 64)] * 2, grid=True),
        **{
            f"animated.{kind}": animated(kind, [numbered(index) for index in range(4)], [50] * 4)
            for kind in ("png", "webp")
        },
        "h264": make_video(8, container="h264"),
        "h265": make_video(
            8, codec="libx265", container="hevc", options={"x265-params": "log-level=none"}
        ),
        "m2v": make_video(8, codec="mpeg2video", container="mpeg2video"),
        "m4v": make_video(8, codec="mpeg4", container="m4v"),
        "obu": make_video(8, codec="libsvtav1", container="obu", options={"preset": "12"}),
        "mjpeg": encoded(numbered(0), "jpg") * 8,
        "nut": make_video(8, container="nut"),
        "ivf": make_video(8, codec="libvpx", container="ivf"),
        "y4m": make_video(8, codec="wrapped_avframe", container="yuv4mpegpipe"),
        "alpha.mov": make_video(8, codec="qtrle", container="mov", pix_fmt="argb"),
    }


def mutated(of_each: int, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Damaged files of every kind, each named after its damage."""
    for suffix, data in whole().items():
        for number in range(of_each):
            mutation = MUTATIONS[number % len(MUTATIONS)]
            rng = random.Random(f"{seed} {suffix} {number}")  # noqa: S311 # not a secret
            spoilt = bytearray(data)
            mutation(spoilt, rng)
            yield f"{mutation.__name__}-{number}.{suffix}", bytes(spoilt)
