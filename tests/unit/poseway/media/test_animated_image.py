"""Animated images are read as videos with exact times; still ones of the same formats are not."""

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from poseway.errors import VideoError
from poseway.media.reader import VideoReader
from tests.support.still_images import CORNERS, card, corners, encoded
from tests.support.videos import numbered, read_number

KINDS: Final = ("gif", "png", "webp")
# Milliseconds for which each frame is shown.
SHOWN: Final = (100, 40, 500, 100, 1000, 70)


def read(data: bytes) -> VideoReader:
    return VideoReader(io.BytesIO(data), threads=1)


def animated(
    kind: str, pictures: Sequence[NDArray[np.uint8]], shown: Sequence[int], *, loop: int = 0
) -> bytes:
    """Returns a moving image, RGB or RGBA."""
    first, *others = (Image.fromarray(picture) for picture in pictures)
    data = io.BytesIO()
    # Pillow ignores options of other formats.
    first.save(
        data,
        kind,
        save_all=True,
        append_images=others,
        duration=list(shown),
        loop=loop,
        lossless=True,
        **({"disposal": 2} if kind == "gif" else {}),
    )
    return data.getvalue()


def counted(kind: str, loop: int = 0) -> bytes:
    return animated(kind, [numbered(index) for index in range(len(SHOWN))], SHOWN, loop=loop)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loop", [0, 3])
def test_every_frame_is_read_once_at_its_time(kind: str, loop: int) -> None:
    reader = read(counted(kind, loop))
    assert not reader.info.is_photo
    for _ in range(2):
        frames = list(reader.frames())
        assert [read_number(frame.bgr(320, 240)) for frame in frames] == list(range(len(SHOWN)))
        base = reader.info.time_base
        starts = [Fraction(sum(SHOWN[:index]), 1000) for index in range(len(SHOWN))]
        assert [frame.pts * base for frame in frames] == starts
        assert [frame.duration * base * 1000 for frame in frames] == list(SHOWN)
    assert reader.damaged_packets == 0


@pytest.mark.parametrize("kind", KINDS)
def test_seeking_yields_the_same_frames(kind: str) -> None:
    reader = read(counted(kind))
    whole = [(frame.index, frame.pts, frame.previous) for frame in reader.frames()]
    for index in (1, 3, len(SHOWN) - 1):
        frames = list(reader.frames(index, whole[index][1]))
        assert [(frame.index, frame.pts, frame.previous) for frame in frames] == whole[index:]
        assert [read_number(frame.bgr(320, 240)) for frame in frames] == list(
            range(index, len(SHOWN))
        )


@pytest.mark.parametrize("kind", KINDS)
def test_image_with_one_frame_is_a_still(kind: str) -> None:
    still = io.BytesIO()
    Image.fromarray(card()).save(still, kind, save_all=True)
    reader = read(still.getvalue())
    assert reader.info.is_photo
    (frame,) = reader.frames()
    assert np.abs(corners(frame.bgr(64, 48)[..., ::-1]) - CORNERS).max() < 12


@pytest.mark.parametrize("kind", KINDS)
def test_transparent_frames_are_flattened_onto_white(kind: str) -> None:
    first, second = (np.dstack((card(), np.full((48, 64), 255, np.uint8))) for _ in range(2))
    first[:24, :32, 3] = 0
    second[24:, 32:, 3] = 0
    reader = read(animated(kind, [first, second], (100, 100)))
    one, two = reader.frames()
    white = [255] * 3
    expected = ([white, *CORNERS[1:]], [*CORNERS[:3], white])
    for frame, colours in zip((one, two), expected, strict=True):
        assert np.abs(corners(frame.bgr(64, 48)[..., ::-1]) - colours).max() < 8


def test_zero_durations_become_those_of_browsers() -> None:
    data = animated("webp", [numbered(0), numbered(1), numbered(2)], (0, 10, 20))
    reader = read(data)
    times = [frame.pts * reader.info.time_base for frame in reader.frames()]
    assert times == [0, Fraction(1, 10), Fraction(1, 5)]


def test_frame_may_last_for_minutes() -> None:
    reader = read(animated("webp", [numbered(0), numbered(1)], (120_000, 100)))
    assert [frame.pts * reader.info.time_base for frame in reader.frames()] == [0, 120]


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_file_is_read_to_its_end_or_refused(kind: str) -> None:
    noise = [np.random.default_rng(n).integers(0, 255, (48, 64, 3), np.uint8) for n in range(8)]
    data = animated(kind, noise, [100] * 8)
    cut = data[: len(data) * 2 // 3]
    if kind == "webp":
        with pytest.raises(VideoError, match="animated WebP is damaged or incomplete") as error:
            read(cut)
        assert error.value.code == "picture_unreadable"
        return
    reader = read(cut)
    assert 3 < len(list(reader.frames())) < 8


def test_damage_within_an_animated_webp_is_counted() -> None:
    noise = [np.random.default_rng(n).integers(0, 255, (48, 64, 3), np.uint8) for n in range(4)]
    data = bytearray(animated("webp", noise, [100] * 4))
    at = data.rindex(b"ANMF")
    data[at + 40 : at + 400] = bytes(360)
    reader = read(bytes(data))
    assert len(list(reader.frames())) == 3
    assert reader.damaged_packets >= 1


def test_huge_animated_webp_is_refused() -> None:
    data = bytearray(counted("webp"))
    data[24:30] = b"\xff\x3f\x00" * 2
    with pytest.raises(VideoError, match="16384 x 16384") as error:
        read(bytes(data))
    assert error.value.code == "picture_too_large"


def test_animated_png_starts_with_its_first_frame() -> None:
    """It does not start with the default image for programs without animation support."""
    pictures = [Image.fromarray(numbered(index)) for index in (1, 2)]
    data = io.BytesIO()
    Image.fromarray(numbered(7)).save(
        data, "png", save_all=True, append_images=pictures, default_image=True, duration=200
    )
    frames = read(data.getvalue()).frames()
    assert [read_number(frame.bgr(320, 240)) for frame in frames] == [1, 2]


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_damaged_headers_are_reported(kind: str) -> None:
    data = encoded(card(), kind) if kind == "png" else counted("gif")
    with pytest.raises(VideoError):
        read(data[:20])
