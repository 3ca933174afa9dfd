"""Changes of frame size, aspect or format within a video keep shapes and people in place."""

import io
from fractions import Fraction
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.jobs import Overlay
from poseway.media.frame import SourceFrame
from poseway.media.letterbox import Box, fitted
from poseway.media.reader import VideoReader
from poseway.v1 import pose_pb2
from poseway_gateway.dispatcher.clients import _in_frame
from poseway_gateway.dispatcher.frames.batches import Batch, Position, batches
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.style import Style
from poseway_renderer.segment import SegmentOptions
from tests.support.segment_rendering import frames_of, posed, render
from tests.support.shape_changes import Part, film, squares

WIDE, HIGH, SMALL = squares(320, 180), squares(180, 320), squares(160, 90)
KINDS: Final = {
    "VP8": ("libvpx", "webm"),
    "VP9": ("libvpx-vp9", "webm"),
    "H.264": ("libx264", "matroska"),
    "H.264 in a stream": ("libx264", "mpegts"),
    "H.264 in MP4": ("libx264", "mp4"),
    "MPEG-4": ("mpeg4", "avi"),
}
TURNED = film([Part(WIDE), Part(HIGH), Part(SMALL)])
IN_THE_MIDDLE = Box(108, 0, 102, 180)


def decoded(data: bytes, start: Position | None = None) -> list[Batch]:
    return list(
        batches(
            VideoReader(io.BytesIO(data), threads=1),
            0,
            start or Position(0, 0),
            batch_frames=4,
            segment_seconds=0.5,
            max_height=240,
            max_frames=1000,
        )
    )


@pytest.mark.parametrize(
    ("size", "widening", "box"),
    [
        ((320, 180), Fraction(1), Box(0, 0, 320, 180)),
        ((320, 181), Fraction(1), Box(0, 0, 320, 181)),
        ((1920, 1080), Fraction(1080, 1088), Box(0, 0, 1920, 1080)),
        ((640, 360), Fraction(81, 256), Box(220, 0, 202, 360)),
        ((360, 640), Fraction(256, 81), Box(0, 220, 360, 202)),
        ((641, 361), Fraction(1, 2), Box(160, 0, 320, 361)),
        ((2, 2), Fraction(1, 100), Box(0, 0, 2, 2)),
        ((1, 1), Fraction(100), Box(0, 0, 1, 1)),
    ],
)
def test_frame_of_another_shape_is_letterboxed(
    size: tuple[int, int], widening: Fraction, box: Box
) -> None:
    assert fitted(*size, widening) == box


@pytest.mark.parametrize("kind", KINDS)
def test_video_has_the_size_of_its_first_frame(kind: str) -> None:
    data = film([Part(WIDE), Part(HIGH), Part(SMALL)], *KINDS[kind])
    frames = frames_of(data)
    info = VideoReader(io.BytesIO(data)).info
    assert (info.width, info.height) == (320, 180)
    assert [frame.widening for frame in frames[::10]] == [1, Fraction(81, 256), 1]
    assert [frame.index for frame in frames if frame.reshaped] == [10, 20]


@pytest.mark.parametrize("start", [1, 5, 9, 10, 11, 15, 20, 25])
def test_seeking_reports_the_same_shapes(start: int) -> None:
    parts = [Part(WIDE), Part(HIGH), Part(WIDE, turned=90), Part(WIDE, aspect=Fraction(4, 3))]
    # Not all containers repeat the decoder's parameters after seeking back into a part.
    data = film(parts, container="mpegts")
    frames = frames_of(data)
    reader = VideoReader(io.BytesIO(data), threads=1)
    again = list(reader.frames(start, frames[start].pts))
    assert [kind(frame) for frame in again] == [kind(frame) for frame in frames[start:]]
    assert [kind(frame) for frame in reader.frames()] == [kind(frame) for frame in frames]


def kind(frame: SourceFrame) -> tuple[object, ...]:
    return frame.index, frame.size, frame.widening, frame.orientation, frame.reshaped


@pytest.mark.parametrize(
    ("part", "size", "widening"),
    [
        (Part(HIGH), (180, 320), Fraction(81, 256)),
        (Part(WIDE, turned=90), (180, 320), Fraction(81, 256)),
        (Part(WIDE, aspect=Fraction(4, 3)), (320, 180), Fraction(4, 3)),
        (Part(squares(240, 180), aspect=Fraction(4, 3)), (240, 180), Fraction(1)),
    ],
)
def test_pixel_aspect_and_orientation_count(
    part: Part, size: tuple[int, int], widening: Fraction
) -> None:
    frame = frames_of(film([Part(WIDE), part]))[15]
    assert frame.size == size
    assert frame.widening == widening


def test_inference_gets_each_frame_in_its_own_shape_without_bars() -> None:
    found = decoded(TURNED)
    assert [len(batch.images) for batch in found] == [4, 4, 2, 3, 4, 3, 4, 2, 4]
    sizes = [(b.box, b.images[0].yuv.width, b.images[0].yuv.height) for b in found]
    whole = Box(0, 0, 320, 180)
    assert list(dict.fromkeys(sizes)) == [
        (whole, 320, 180),
        (IN_THE_MIDDLE, 135, 240),
        (whole, 160, 90),
    ]
    assert sum(batch.reshaped for batch in found) == 2
    for batch in found:
        for image in batch.images:
            assert (image.yuv.width, image.yuv.height) == sizes[found.index(batch)][1:]
            luma = np.frombuffer(image.yuv.planes, np.uint8)[: image.yuv.width * image.yuv.height]
            assert luma.min() > 40  # no bar


def test_a_resumed_job_counts_the_same_changes() -> None:
    found = decoded(TURNED)
    (first, _, last) = (number for number, batch in enumerate(found) if batch.closes)
    resumed = decoded(TURNED, found[first].following)
    assert [b.reshaped for b in resumed] == [b.reshaped for b in found[first + 1 : last + 1]]
    assert [b.box for b in resumed] == [b.box for b in found[first + 1 : last + 1]]


def test_people_are_moved_into_the_letterbox() -> None:
    pose = pose_pb2.Pose(keypoints=[1.5, 2.0, 0.5, 0.0, 0.0, 0.0])
    found = _in_frame(pose_pb2.FramePoses(poses=[pose]), IN_THE_MIDDLE)
    assert list(found.poses[0].keypoints) == [109.5, 2.0, 0.5, 0.0, 0.0, 0.0]


def shown(data: bytes, index: int, size: tuple[int, int] = (320, 180)) -> Canvas:
    reader = VideoReader(io.BytesIO(data), threads=1)
    space = ColourSpace.of(reader.stream)
    canvas = Canvas(*size, space)
    canvas.luma[:] = 77
    canvas.show(next(frame for frame in reader.frames() if frame.index == index))
    return canvas


def red(canvas: Canvas) -> tuple[int, int, int, int]:
    """Returns left, top, width and height of the red area."""
    rows, columns = np.nonzero(np.kron(canvas.chroma[1], np.ones((2, 2))) > 170)
    left, top = columns.min(), rows.min()
    return int(left), int(top), int(columns.max() - left + 1), int(rows.max() - top + 1)


@pytest.mark.parametrize(
    "part",
    [Part(HIGH), Part(WIDE, turned=90), Part(WIDE, turned=-90), Part(squares(720, 1280))],
    ids=["high", "turned", "turned back", "large"],
)
@pytest.mark.parametrize("size", [(320, 180), (160, 90), (640, 360), (317, 179)])
def test_canvas_shows_the_frame_between_bars(part: Part, size: tuple[int, int]) -> None:
    canvas = shown(film([Part(WIDE), part]), 15, size)
    box = fitted(*size, Fraction(81, 256))
    black = canvas.luma.copy()
    black[:, box.left : box.left + box.width] = 16
    assert (black == 16).all()
    assert canvas.luma[:, box.left + 2 : box.left + box.width - 2].min() > 40
    left, top, width, height = red(canvas)
    assert width == pytest.approx(height, abs=4)
    assert left + width / 2 == pytest.approx(size[0] / 2, abs=3)
    assert top + height / 2 == pytest.approx(size[1] / 2, abs=3)


@pytest.mark.parametrize(
    "part",
    [
        Part(WIDE, pixels="yuv444p"),
        Part(WIDE, pixels="yuv420p", range=2),
        Part(squares(640, 360), pixels="yuv420p", range=2),
        Part(SMALL),
    ],
)
def test_change_of_size_or_format_keeps_colours(part: Part) -> None:
    data = film([Part(WIDE), part])
    before, after = shown(data, 5), shown(data, 15)
    for plane, other in zip(
        (before.luma, *before.chroma), (after.luma, *after.chroma), strict=True
    ):
        assert abs(float(plane[20, 20]) - float(other[20, 20])) <= 2
        middle = plane.shape[0] // 2, plane.shape[1] // 2
        assert abs(float(plane[middle]) - float(other[middle])) <= 4


@pytest.mark.parametrize("background", list(Overlay))
def test_segment_is_rendered_across_a_change(background: Overlay) -> None:
    frames = frames_of(TURNED)
    _, video, _ = render(TURNED, posed(frames), SegmentOptions(style=Style(overlay=background)))
    images = [frame.image for frame in frames_of(video)]
    assert {(image.width, image.height) for image in images} == {(320, 180)}
    assert len(images) == 30
    bars = images[15].to_ndarray(format="gray")[:, :60]
    assert bars.max() < (60 if background is Overlay.BLURRED else 30)


def test_rendering_may_start_in_the_other_shape() -> None:
    frames = frames_of(TURNED)[12:]
    _, video, _ = render(TURNED, posed(frames), SegmentOptions(style=Style()))
    first = frames_of(video)[0].image.to_ndarray(format="gray")
    assert first.shape == (180, 320)
    assert first[:, :100].max() < 30 < first[:, 120:200].mean()


def test_interlaced_part_is_deinterlaced() -> None:
    parts = [Part(WIDE), Part(squares(320, 240), options={"x264-params": "tff=1"}), Part(WIDE)]
    assert len(frames_of(film(parts))) == 30
    assert decoded(film(parts))[-1].images[-1].index == 29


def gradient(width: int, height: int) -> list[NDArray[np.uint8]]:
    row = np.linspace(40, 200, width).astype(np.uint8)
    return [np.repeat(np.tile(row, (height, 1))[..., None], 3, 2)] * 10


def test_change_of_size_is_not_a_cut() -> None:
    parts = [Part(gradient(320, 180)), Part(gradient(640, 360)), Part(gradient(160, 90))]
    assert not any(image.cut for batch in decoded(film(parts)) for image in batch.images)
    assert not any(image.cut for batch in decoded(TURNED) for image in batch.images)
