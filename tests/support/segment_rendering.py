"""Renders a segment of a synthetic video."""

import io

from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoReader
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.media.encode import Encoding
from poseway_renderer.segment import RenderedSegment, SegmentOptions, render_segment
from tests.support.people_to_draw import Shots, standing

PLAIN = SegmentOptions()


def frames_of(data: bytes) -> list[SourceFrame]:
    return list(VideoReader(io.BytesIO(data)).frames())


def posed(frames: list[SourceFrame]) -> list[PosedFrame]:
    return [PosedFrame(frame.index, frame.pts, [standing(1, 200, 60, 150)]) for frame in frames]


def render(
    data: bytes, wanted: list[PosedFrame], options: SegmentOptions = PLAIN
) -> tuple[RenderedSegment, bytes, Shots]:
    file, shots = io.BytesIO(), Shots()
    reader = VideoReader(io.BytesIO(data), threads=1)
    rendered = render_segment(reader, iter(wanted), options, Encoding(threads=1), file, shots)
    return rendered, file.getvalue(), shots
