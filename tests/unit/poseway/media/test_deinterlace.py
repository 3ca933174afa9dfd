"""Deinterlacing keeps the number and times of frames, wherever decoding starts."""

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import av
import numpy as np
import pytest
from av.codec.context import Flags
from numpy.typing import NDArray

from poseway.media.deinterlace import deinterlaced
from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoReader
from tests.support.videos import make_video

if TYPE_CHECKING:
    from av.video.stream import VideoStream

FRAMES: Final = 30
WIDTH: Final = 320
HEIGHT: Final = 240
KINDS: Final = {
    "h264": ("mp4", "libx264", {"x264-params": "tff=1:bframes=2:b-adapt=0"}),
    "mpeg2": ("mpegts", "mpeg2video", {"bf": "2"}),
}


def moving(index: int) -> NDArray[np.uint8]:
    """A bar that moves 4 pixels per field; odd lines are captured later than even ones."""
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    for field in range(2):
        left = 8 * index + 4 * field
        picture[field::2, left : left + 40] = 210
    return picture


def film(kind: str) -> bytes:
    container, codec, options = KINDS[kind]
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        every = {"g": "10", "qp": "4", **options}
        stream = cast("VideoStream", output.add_stream(codec, rate=25, options=every))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        stream.codec_context.bit_rate = 8_000_000
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(moving(index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


def combs(frame: SourceFrame) -> float:
    """Returns how much lines differ from the mean of their neighbours."""
    luma = frame.image.to_ndarray(format="gray").astype(float)
    return float(np.abs(luma[1:-1] - (luma[:-2] + luma[2:]) / 2).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_fields_are_deinterlaced_to_full_frames(kind: str) -> None:
    data = film(kind)
    frames = list(VideoReader(io.BytesIO(data), 1).frames())
    seconds = [frame.pts * VideoReader(io.BytesIO(data), 1).info.time_base for frame in frames]
    assert seconds == [Fraction(index, 25) for index in range(FRAMES)]
    with av.open(io.BytesIO(data), "r") as container:
        raw = list(container.decode(video=0))
    assert all(image.interlaced_frame for image in raw)
    for frame, image in zip(frames, raw, strict=True):
        before = SourceFrame(0, 0, 0, image, frame.orientation, None)
        assert combs(frame) < combs(before) / 3


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_the_same_after_a_seek(kind: str) -> None:
    data = film(kind)
    frames = list(VideoReader(io.BytesIO(data), 1).frames())
    for wanted in (1, 9, 10, 11, 15, 20, 29):
        reader = VideoReader(io.BytesIO(data), 1)
        found = next(reader.frames(wanted, frames[wanted].pts))
        same = frames[wanted]
        assert (found.index, found.pts) == (same.index, same.pts)
        np.testing.assert_array_equal(found.bgr(WIDTH, HEIGHT), same.bgr(WIDTH, HEIGHT))


def images(data: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(data), "r") as container:
        return list(container.decode(video=0))


def test_progressive_frames_pass_unchanged() -> None:
    plain = images(make_video(5))
    assert all(a is b for a, b in zip(deinterlaced(iter(plain)), plain, strict=True))


def test_video_may_change_format_midway() -> None:
    plain, fields = images(make_video(5)), images(film("mpeg2"))[:6]
    small = images(make_video(3, picture=lambda _: np.zeros((64, 64, 3), np.uint8)))
    mixed = [*plain, *fields, *plain, *small, *fields]
    result = list(deinterlaced(iter(mixed)))
    assert [(i.width, i.pts) for i in result] == [(i.width, i.pts) for i in mixed]
    assert [a is b for a, b in zip(result, mixed, strict=True)][:5] == [True] * 5


def test_frame_before_the_first_interlaced_one_counts() -> None:
    fields = images(film("mpeg2"))[:6]
    whole = [image.to_ndarray(format="gray") for image in deinterlaced(iter(fields))]
    plain = images(make_video(1))[0].reformat(WIDTH, HEIGHT, fields[0].format.name)
    plain.pts = -1
    led = list(deinterlaced(iter([plain, *fields])))
    assert len(led) == 7
    assert led[0] is plain
    np.testing.assert_array_equal(led[3].to_ndarray(format="gray"), whole[2])
