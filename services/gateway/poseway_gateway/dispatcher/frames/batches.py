"""Decoding a video into the batches and segments in which it is worked on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import Final

from poseway.errors import VideoError
from poseway.media.frame import SourceFrame
from poseway.media.letterbox import Box, fitted
from poseway.media.reader import VideoReader
from poseway.media.resize import fit
from poseway.media.yuv import Yuv
from poseway_gateway.dispatcher.frames.cut_detector import CutDetector, JudgedFrame
from poseway_gateway.dispatcher.frames.frame_signature import FrameSignature, signature

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
        cut: Whether this is the first frame after a hard cut.
    """

    index: int
    pts: int
    yuv: Yuv
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive frames of one segment, whose pictures have one size.

    Attributes:
        segment: Number of the segment.
        images: At least one frame.
        box: Where the pictures lie in the video's frame.
        closes: Whether the segment ends here.
        following: The frame that comes next; None at the end of the video.
        memory: The earliest frame that telling cuts from there on looks back to.
        end: Ticks at which the last frame of the batch is over.
        seconds: Wall-clock time that decoding took.
        damaged_packets: Packets on the way that could not be decoded.
        reshaped: Frames whose size or shape differ from those of the frame before.
    """

    segment: int
    images: list[Image]
    box: Box
    closes: bool
    following: Position | None
    memory: Position
    end: int
    seconds: float
    damaged_packets: int
    reshaped: int


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A frame that is ready to be sent.

    Attributes:
        image: What is sent of it.
        box: Where it lies in the video's frame.
        look: What telling cuts needs of it.
        end: Ticks at which it is over.
        damaged: Packets that could not be decoded until it was.
        reshaped: Whether its size or shape differ from those of the frame before.
    """

    image: Image
    box: Box
    look: FrameSignature
    end: int
    damaged: int
    reshaped: bool

    @property
    def kind(self) -> tuple[Box, int, int]:
        """What the pictures of a batch have in common."""
        return self.box, self.image.yuv.width, self.image.yuv.height


def batches(
    reader: VideoReader,
    segment: int,
    start: Position,
    memory: Position | None = None,
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
        memory: The frame from which on cuts are told as if nothing had been interrupted: that of
            the last batch before `start`. None if there is none.
        batch_frames: Most frames in a batch.
        segment_seconds: A segment ends before the first frame that is this much later than its own
            first frame.
        max_height: Frames are scaled down to this height, aspect kept.
        max_frames: Frames that a video may have.

    Raises:
        VideoError: There is no frame at `start`, though the reader found one when it was opened; or
            there are too many.
    """
    length = Fraction(segment_seconds) / reader.info.time_base
    began, damaged_before = time.perf_counter(), reader.damaged_packets
    frames = _from(_Source(reader, max_height, max_frames), start, memory)
    told = next(frames, None)
    if told is None:
        raise VideoError(f"The video has no frame {start.index}. Upload the whole file again.")
    if start.index:
        # What is damaged on the way to it belongs to the segments before.
        damaged_before = told.frame.damaged
    first = told.frame.image
    batch: list[JudgedFrame[_Decoded]] = []
    while told is not None:
        batch.append(told)
        told = next(frames, None)
        following = told.frame.image if told else None
        closes = (
            following is None
            or following.pts - first.pts >= length
            or following.index - first.index >= MAX_SEGMENT_FRAMES
        )
        changes = told is not None and told.frame.kind != batch[0].frame.kind
        if closes or changes or len(batch) == batch_frames:
            damaged = told.frame.damaged if told else reader.damaged_packets
            seconds = time.perf_counter() - began
            yield _batch(segment, batch, following, closes, seconds, damaged - damaged_before)
            began, damaged_before, batch = time.perf_counter(), damaged, []
        if closes and following is not None:
            first, segment = following, segment + 1


def _batch(
    segment: int,
    frames: list[JudgedFrame[_Decoded]],
    following: Image | None,
    closes: bool,
    seconds: float,
    damaged_packets: int,
) -> Batch:
    last = frames[-1]
    return Batch(
        segment=segment,
        images=[replace(told.frame.image, cut=told.cut) for told in frames],
        box=last.frame.box,
        closes=closes,
        following=Position(following.index, following.pts) if following else None,
        memory=Position(last.memory.index, last.memory.pts),
        end=last.frame.end,
        seconds=seconds,
        damaged_packets=damaged_packets,
        reshaped=sum(told.frame.reshaped for told in frames),
    )


def _from(
    source: "_Source", start: Position, memory: Position | None
) -> Iterator[JudgedFrame[_Decoded]]:
    """The frames from one on, with the cuts."""
    remembered: list[FrameSignature] = []
    if memory is not None and memory.index < start.index:
        frames = source.frames(memory)
        for frame in frames:
            if frame.image.pts >= start.pts:
                # Around damage, not always the same frames are found.
                if (frame.image.index, frame.image.pts) == (start.index, start.pts):
                    return iter(CutDetector(chain([frame], frames), _look, remembered))
                break
            remembered.append(frame.look)
    return iter(CutDetector(source.frames(start), _look))


def _look(frame: _Decoded) -> FrameSignature:
    return frame.look


class _Source:
    """Frames of a video, made ready to be sent."""

    def __init__(self, reader: VideoReader, max_height: int, max_frames: int) -> None:
        self._reader = reader
        self._max_height = max_height
        self._max_frames = max_frames

    def frames(self, start: Position) -> Iterator[_Decoded]:
        """Decodes from a frame on."""
        for frame in self._reader.frames(start.index, start.pts if start.index else None):
            if frame.index >= self._max_frames:
                raise VideoError(
                    f"The video has more than {self._max_frames} frames. Split it and upload the "
                    "parts.",
                    "too_long",
                )
            yield self._ready(frame)

    def _ready(self, frame: SourceFrame) -> _Decoded:
        info = self._reader.info
        yuv = frame.yuv(*fit(*frame.size, self._max_height))
        return _Decoded(
            image=Image(frame.index, frame.pts, yuv),
            box=fitted(info.width, info.height, frame.widening),
            look=signature(frame.index, frame.pts, float(frame.pts * info.time_base), yuv),
            end=frame.pts + frame.duration,
            damaged=self._reader.damaged_packets,
            reshaped=frame.reshaped,
        )
