"""Decoding a video into the batches and segments in which it is worked on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from poseway.errors import VideoError
from poseway.frame import SourceFrame
from poseway.picture import Yuv
from poseway.scale import fit
from poseway.video import VideoReader

MAX_SEGMENT_FRAMES: Final = 3000
"""Bounds a segment whose timestamps stand still."""


@dataclass(frozen=True, slots=True)
class Position:
    """A frame of the video, to begin with."""

    index: int
    pts: int


@dataclass(frozen=True, slots=True)
class Image:
    """A frame as the network wants it.

    Attributes:
        index: Index of the frame.
        pts: Presentation time in ticks.
        yuv: The upright picture.
    """

    index: int
    pts: int
    yuv: Yuv


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive frames of one segment.

    Attributes:
        segment: Number of the segment.
        images: At least one frame.
        closes: Whether the segment ends here.
        following: The frame that comes next; None at the end of the video.
        end: Ticks at which the last frame of the batch is over.
        seconds: Wall-clock time that decoding took.
        damaged_packets: Packets on the way that could not be decoded.
    """

    segment: int
    images: list[Image]
    closes: bool
    following: Position | None
    end: int
    seconds: float
    damaged_packets: int


def batches(
    reader: VideoReader,
    segment: int,
    start: Position,
    *,
    batch_frames: int,
    segment_seconds: float,
    max_height: int,
    max_frames: int,
) -> Iterator[Batch]:
    """Decodes a video from a frame on.

    Where segments begin depends on presentation times alone, so that a job that is resumed makes
    the same segments.

    Args:
        reader: The video.
        segment: Number of the segment that begins at `start`.
        start: The frame to begin with.
        batch_frames: Most frames in a batch.
        segment_seconds: A segment ends before the first frame that is this much later than its own
            first frame.
        max_height: Frames are scaled down to this height, aspect kept.
        max_frames: Frames that a video may have.

    Raises:
        VideoError: There is no frame at `start`, though the reader found one when it was opened; or
            there are too many.
    """
    size = fit(reader.info.width, reader.info.height, max_height)
    length = Fraction(segment_seconds) / reader.info.time_base
    frames = reader.frames(start.index, start.pts if start.index else None)
    began, damaged_before = time.perf_counter(), reader.damaged_packets
    frame = next(frames, None)
    if frame is None:
        raise VideoError(f"The video has no frame {start.index}. Upload the whole file again.")
    first = frame
    if start.index:
        # What is damaged on the way to it belongs to the segments before.
        damaged_before = reader.damaged_packets
    images: list[Image] = []
    while frame is not None:
        if frame.index >= max_frames:
            raise VideoError(
                f"The video has more than {max_frames} frames. Cut it, and upload the parts.",
                "too_long",
            )
        images.append(_image(frame, size))
        end = frame.pts + frame.duration
        frame = next(frames, None)
        closes = (
            frame is None
            or frame.pts - first.pts >= length
            or frame.index - first.index >= MAX_SEGMENT_FRAMES
        )
        if closes or len(images) == batch_frames:
            following = None if frame is None else Position(frame.index, frame.pts)
            seconds, damaged = time.perf_counter() - began, reader.damaged_packets - damaged_before
            yield Batch(segment, images, closes, following, end, seconds, damaged)
            began, damaged_before, images = time.perf_counter(), reader.damaged_packets, []
        if closes and frame is not None:
            first, segment = frame, segment + 1


def _image(frame: SourceFrame, size: tuple[int, int]) -> Image:
    return Image(frame.index, frame.pts, frame.yuv(*size))
