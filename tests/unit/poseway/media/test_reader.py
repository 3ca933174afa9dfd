"""Reading videos: properties, exact times, seeking, orientation."""

import io
import os
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoReader
from tests.support.videos import make_video, numbered, read_number, remuxed

if TYPE_CHECKING:
    pass

NTSC: Final = Fraction(30000, 1001)
FRAMES: Final = 40
# Containers and codecs with different frame numbering, reordering and indexes. In "open" groups of
# pictures, frames shown before the keyframe refer to the preceding group.
OPEN_GOP: Final = {"x264-params": "open-gop=1:bframes=3:b-adapt=0"}
KINDS: Final = {
    "mp4": ("mp4", "libx264", {}),
    "mp4-open": ("mp4", "libx264", OPEN_GOP),
    "mp4-refresh": ("mp4", "libx264", {"x264-params": "intra-refresh=1"}),
    "mov-mpeg4": ("mov", "mpeg4", {"bf": "2"}),
    "mkv-open": ("matroska", "libx264", OPEN_GOP),
    "webm": ("webm", "libvpx-vp9", {"deadline": "realtime"}),
    "ts": ("mpegts", "libx264", {}),
    "ts-open": ("mpegts", "libx264", OPEN_GOP),
    "ps": ("mpeg", "mpeg2video", {"bf": "2"}),
    "avi": ("avi", "mpeg4", {"bf": "2"}),
    "avi-h264": ("avi", "libx264", {}),
    "flv": ("flv", "libx264", {}),
    "asf": ("asf", "wmv2", {}),
}


def read(data: bytes) -> VideoReader:
    return VideoReader(io.BytesIO(data), threads=1)


def seen(frame: SourceFrame) -> tuple[int, int, int | None, int]:
    return frame.index, frame.pts, frame.previous, read_number(frame.bgr(320, 240))


def test_properties_of_a_video() -> None:
    info = read(make_video(FRAMES, rate=NTSC)).info
    assert (info.codec, info.width, info.height) == ("h264", 320, 240)
    assert (info.frame_rate, info.frames) == (NTSC, FRAMES)
    assert info.pixel_aspect == 1


@pytest.mark.parametrize("rate", [NTSC, Fraction(24000, 1001), Fraction(25), Fraction(1, 2)])
def test_presentation_times_are_exact(rate: Fraction) -> None:
    reader = read(make_video(FRAMES, rate=rate))
    times = [frame.pts * reader.info.time_base for frame in reader.frames()]
    assert times == [index / rate for index in range(FRAMES)]


def test_variable_frame_rate_is_kept() -> None:
    ticks = np.random.default_rng(1).integers(1, 4000, FRAMES).cumsum().tolist()
    reader = read(make_video(FRAMES, times=[0, *ticks[:-1]], time_base=Fraction(1, 90_000)))
    frames = list(reader.frames())
    assert reader.info.time_base == Fraction(1, 90_000)
    assert [frame.pts for frame in frames] == [0, *ticks[:-1]]
    assert [frame.previous for frame in frames] == [None, 0, *ticks[:-2]]


@pytest.mark.parametrize("kind", KINDS)
def test_seeking_finds_any_frame(kind: str) -> None:
    container, codec, options = KINDS[kind]
    rate = Fraction(25) if codec == "mpeg2video" else NTSC
    data = make_video(FRAMES, container=container, codec=codec, options=options, rate=rate)
    reader = read(data)
    frames = [seen(frame) for frame in reader.frames()]
    assert [(index, number) for index, _, _, number in frames] == [(i, i) for i in range(FRAMES)]
    assert [seen(frame) for frame in reader.frames()] == frames
    for index, pts, _, _ in frames:
        found = reader.frames(index, pts)
        assert [seen(frame) for frame, _ in zip(found, range(3), strict=False)] == frames[
            index : index + 3
        ]


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


def noise(index: int) -> NDArray[np.uint8]:
    return np.random.default_rng(index).integers(0, 255, (240, 320, 3), np.uint8)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_seeking_does_not_read_skipped_data(container: str) -> None:
    data = make_video(60, picture=noise, container=container)
    *_, last = read(data).frames()
    file = Counting(data)
    reader = VideoReader(file, threads=1)
    file.bytes_read = 0
    assert next(reader.frames(last.index, last.pts)).pts == last.pts
    assert file.bytes_read < len(data) / 2


def test_wrong_seek_time_falls_back_to_counting() -> None:
    reader = read(make_video(FRAMES))
    frame = next(reader.frames(20, 1))
    assert (frame.index, read_number(frame.bgr(320, 240))) == (20, 20)


def test_times_count_from_the_start_of_the_audio() -> None:
    late = [15 + index for index in range(FRAMES)]
    reader = read(make_video(FRAMES, times=late, sound=True))
    times = [frame.pts * reader.info.time_base for frame in reader.frames()]
    assert times == [Fraction(index, 30) for index in late]


def test_timestamps_may_start_above_zero() -> None:
    reader = read(make_video(FRAMES, container="mpegts"))
    assert reader.start > 0
    assert next(reader.frames()).pts == 0


def corner(index: int) -> NDArray[np.uint8]:
    """White in the upper left, black elsewhere."""
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:120, :160] = 255
    return picture


# Display matrices (ISO/IEC 14496-12): (x, y) becomes (ax + cy + tx, bx + dy + ty), which determines
# the corner that the upper left one moves to.
ONE: Final = 1 << 16
LAST: Final = 1 << 30
MATRICES: Final = {
    "upright": ((ONE, 0, 0, 0, ONE, 0, 0, 0, LAST), (320, 240), (0, 0)),
    "a quarter clockwise": ((0, ONE, 0, -ONE, 0, 0, 240 * ONE, 0, LAST), (240, 320), (0, 1)),
    "half": ((-ONE, 0, 0, 0, -ONE, 0, 320 * ONE, 240 * ONE, LAST), (320, 240), (1, 1)),
    "three quarters": ((0, -ONE, 0, ONE, 0, 0, 0, 320 * ONE, LAST), (240, 320), (1, 0)),
    "left and right swapped": ((-ONE, 0, 0, 0, ONE, 0, 320 * ONE, 0, LAST), (320, 240), (0, 1)),
    "upside down": ((ONE, 0, 0, 0, -ONE, 0, 0, 240 * ONE, LAST), (320, 240), (1, 0)),
    "rows to columns": ((0, ONE, 0, ONE, 0, 0, 0, 0, LAST), (240, 320), (0, 0)),
    "rows to columns, turned": (
        (0, -ONE, 0, -ONE, 0, 0, 240 * ONE, 320 * ONE, LAST),
        (240, 320),
        (1, 1),
    ),
}


@pytest.mark.parametrize("name", MATRICES)
def test_rotated_videos_become_upright(name: str) -> None:
    matrix, (width, height), bright = MATRICES[name]
    reader = read(make_video(3, picture=corner, matrix=matrix))
    assert (reader.info.width, reader.info.height) == (width, height)
    for frame in reader.frames():
        picture = frame.bgr(width, height)
        assert picture.shape == (height, width, 3)
        quarters = picture.reshape(2, height // 2, 2, width // 2, 3).mean(axis=(1, 3, 4))
        expected = np.zeros((2, 2))
        expected[bright] = 255
        assert np.abs(quarters - expected).max() < 10


def test_pixel_aspect_is_rotated_too() -> None:
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=25, width=320, height=240)
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_matrix(MATRICES["a quarter clockwise"][0])
        output.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(0), format="rgb24")))
        output.mux(stream.encode())
    assert read(data.getvalue()).info.pixel_aspect == Fraction(3, 4)


def test_presentation_times_always_rise() -> None:
    # Matroska allows several frames with the same time.
    times = [40 * (index - index % 3) for index in range(FRAMES)]
    plain = make_video(FRAMES, codec="mpeg4", options={"bf": "0"})
    data = remuxed(plain, "matroska", {}, times)
    frames = [seen(frame) for frame in read(data).frames()]
    assert [pts for _, pts, _, _ in frames] == [
        time + index % 3 for index, time in enumerate(times)
    ]
    assert [number for _, _, _, number in frames] == list(range(FRAMES))
    for frame in frames:
        assert seen(next(read(data).frames(frame[0], frame[1]))) == frame


@pytest.mark.parametrize("aspect", [Fraction(1000), Fraction(1, 1000)])
def test_implausible_pixel_aspect_is_ignored(aspect: Fraction) -> None:
    assert read(make_video(2, pixel_aspect=aspect)).info.pixel_aspect == 1
    assert read(make_video(2, pixel_aspect=Fraction(4))).info.pixel_aspect == 4


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="no scheduling policies here")
def test_encoding_restores_the_scheduling_policy() -> None:
    make_video(3, codec="libsvtav1", options={"preset": "12"})
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
