"""Raw video streams, as from small cameras, encoders and IP cameras."""

import io
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av
import numpy as np
import pytest

from poseway.media.raw_streams import Timing
from poseway.media.reader import VideoReader
from poseway.read_options import Reading
from tests.support.still_images import card, encoded
from tests.support.videos import make_video, numbered, read_number, remuxed

FRAMES: Final = 40
RATE: Final = Fraction(30_000, 1001)


def read(data: bytes, assume: float | None = None) -> VideoReader:
    return VideoReader(io.BytesIO(data), threads=1, reading=Reading(assume_frame_rate=assume))


def jpegs(frames: int = FRAMES, filling: bytes = b"") -> list[bytes]:
    return [encoded(numbered(index), "jpg") + filling for index in range(frames)]


def multipart() -> bytes:
    """Returns JPEGs as a multipart stream, like that of an IP camera."""
    head = "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n"
    return b"".join(head.format(len(jpeg)).encode() + jpeg + b"\r\n" for jpeg in jpegs())


def raw(codec: str, container: str, **options: str) -> bytes:
    return make_video(FRAMES, rate=RATE, codec=codec, container=container, options=options)


# Raw streams, and whether each declares its rate.
STREAMS: Final[dict[str, tuple[Callable[[], bytes], bool]]] = {
    "H.264 with B-frames": (lambda: raw("libx264", "h264", bf="3"), True),
    "H.265 with B-frames": (lambda: raw("libx265", "hevc", **{"x265-params": "log-level=1"}), True),
    "H.265 without timing": (
        lambda: raw("libx265", "hevc", **{"x265-params": "log-level=1:no-vui-timing-info=1"}),
        False,
    ),
    "MPEG-1": (lambda: raw("mpeg1video", "mpeg1video", bf="2"), True),
    "MPEG-2": (lambda: raw("mpeg2video", "mpeg2video", bf="2"), True),
    # Its ticks are 1/30000 s, not frames.
    "MPEG-4": (lambda: raw("mpeg4", "m4v", bf="2"), False),
    "AV1": (lambda: raw("libsvtav1", "obu", preset="12"), False),
    "MJPEG": (lambda: b"".join(jpegs()), False),
    "MJPEG with filling": (lambda: b"".join(jpegs(filling=bytes(37))), False),
    "MJPEG in parts": (multipart, False),
}


@pytest.mark.parametrize("name", STREAMS)
def test_frames_are_in_order_at_the_declared_or_default_rate(name: str) -> None:
    make, tells = STREAMS[name]
    data = make()
    for given in (None, 12.5):
        reader = read(data, given)
        told = Timing.STREAM if tells else Timing.ASSUMED
        rate = Fraction(given) if given else RATE if tells else Fraction(25)
        assert (reader.info.timing, reader.info.frame_rate) == (
            Timing.USER if given else told,
            rate,
        )
        assert not reader.info.is_photo
        frames = list(reader.frames())
        assert [read_number(frame.bgr(320, 240)) for frame in frames] == list(range(FRAMES))
        times = [frame.pts * reader.info.time_base for frame in frames]
        assert times == [index / rate for index in range(FRAMES)]
        assert {frame.duration * reader.info.time_base for frame in frames} == {1 / rate}
        assert reader.damaged_packets == 0


@pytest.mark.parametrize("name", STREAMS)
def test_later_frames_are_found_by_counting(name: str) -> None:
    reader = read(STREAMS[name][0]())
    whole = [(frame.index, frame.pts, frame.previous) for frame in reader.frames()]
    for index in (13, FRAMES - 1):
        frames = list(reader.frames(index, whole[index][1]))
        assert [(frame.index, frame.pts, frame.previous) for frame in frames] == whole[index:]
        assert read_number(frames[0].bgr(320, 240)) == index


TIMED: Final[dict[str, Callable[[], bytes]]] = {
    "nut": lambda: make_video(FRAMES, rate=RATE, container="nut"),
    "ivf": lambda: make_video(FRAMES, rate=RATE, container="ivf", codec="libvpx"),
    "y4m": lambda: make_video(FRAMES, rate=RATE, container="yuv4mpegpipe", codec="wrapped_avframe"),
}


@pytest.mark.parametrize("name", TIMED)
def test_timestamps_of_the_file_override_the_user(name: str) -> None:
    reader = read(TIMED[name](), 5)
    assert (reader.info.timing, reader.info.frame_rate) == (Timing.FILE, RATE)
    frames = list(reader.frames())
    assert [read_number(frame.bgr(320, 240)) for frame in frames] == list(range(FRAMES))
    times = [frame.pts * reader.info.time_base * RATE for frame in frames]
    assert times == pytest.approx(range(FRAMES), abs=0.05)
    later = list(reader.frames(20, frames[20].pts))
    assert [frame.pts for frame in later] == [frame.pts for frame in frames[20:]]


@pytest.mark.parametrize("told", [b" F0:0", b""])
def test_y4m_without_a_rate(told: bytes) -> None:
    data = TIMED["y4m"]().replace(b" F30000:1001", told)
    assert read(data).info.timing is Timing.ASSUMED
    reader = read(data, 50)
    assert [frame.pts for frame in reader.frames()] == list(range(FRAMES))
    assert reader.info.time_base == Fraction(1, 50)


def test_stated_rates_are_kept() -> None:
    data = b"".join(jpegs(3))
    for rate in (0.01, 0.5, 7.3, 23.976, 29.97, 59.94, 240, 1000):
        reader = read(data, rate)
        assert float(reader.info.frame_rate) == pytest.approx(rate, rel=1e-4)
        last = list(reader.frames())[-1]
        assert last.pts * reader.info.time_base == 2 / reader.info.frame_rate


@pytest.mark.parametrize("seconds", [Fraction(1, 90_000), Fraction(7)])
def test_implausible_rate_is_ignored(seconds: Fraction) -> None:
    data = make_video(5, rate=1 / seconds, container="h264")
    assert read(data).info.frame_rate == 25
    assert read(data).info.timing is Timing.ASSUMED


def test_truncated_recording_is_read_to_its_end() -> None:
    data = raw("libx264", "h264")
    assert 20 < len(list(read(data[: len(data) * 3 // 4]).frames())) < FRAMES
    data = b"".join(jpegs())
    assert 28 < len(list(read(data[: len(data) * 3 // 4]).frames())) < 32


def mpf(data: bytes) -> bytes:
    """A JPEG whose multi-picture index lists others."""
    return data[:2] + b"\xff\xe2\x00\x0aMPF\0MM\0*" + data[2:]


def noted(data: bytes) -> bytes:
    """A JPEG with a maker note."""
    return data[:2] + b"\xff\xe1\x00\x08Exif\0\0" + data[2:]


PICTURES: Final = {
    "alone": [encoded(card(), "jpg")],
    "two eyes": [mpf(encoded(card(), "jpg")), encoded(card(), "jpg")],
    "a preview behind": [encoded(card(), "jpg"), encoded(card(32, 24), "jpg")],
    "a map behind": [noted(encoded(card(), "jpg")), encoded(card(), "jpg")],
    "a video behind": [encoded(card(), "jpg"), make_video(3)],
    "text behind": [encoded(card(), "jpg"), b"The rest of the disk.", encoded(card(), "jpg")],
    "a preview within": [
        b"\xff\xd8\xff\xe1" + (len(encoded(card(32, 24), "jpg")) + 2).to_bytes(2),
        encoded(card(32, 24), "jpg"),
        encoded(card(), "jpg")[2:],
    ],
}


@pytest.mark.parametrize("name", PICTURES)
def test_jpeg_with_embedded_images_is_a_still(name: str) -> None:
    reader = read(b"".join(PICTURES[name]))
    assert reader.info.is_photo
    assert (reader.info.width, reader.info.height) == (64, 48)
    assert len(list(reader.frames())) == 1


def test_mpeg4_whose_ticks_are_frames_declares_its_rate() -> None:
    info = read(make_video(5, rate=Fraction(24), codec="mpeg4", container="m4v")).info
    assert (info.timing, info.frame_rate) == (Timing.STREAM, Fraction(24))


def test_interlaced_streams_keep_their_rate() -> None:
    data = make_video(
        20, rate=Fraction(25), codec="mpeg2video", container="mpeg2video", interlaced=True
    )
    reader = read(data)
    assert reader.info.frame_rate == 25
    assert len(list(reader.frames())) == 20


def test_same_packets_in_a_container_give_the_same_frames() -> None:
    data = raw("libx264", "h264", bf="3")
    with av.open(io.BytesIO(data)) as container:
        assert container.format.name == "h264"
    pictures = [frame.bgr(320, 240) for frame in read(data).frames()]
    other = make_video(FRAMES, rate=RATE, options={"bf": "3"})
    for one, two in zip(pictures, read(remuxed(other, "matroska", {})).frames(), strict=True):
        assert np.abs(one.astype(int) - two.bgr(320, 240)).max() < 3
