"""Splits a decoded video into batches and segments."""

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
"""Bounds a segment whose timestamps do not advance."""


@dataclass(frozen=True, slots=True)
class Position:
    """A frame of the video at which decoding starts."""

    index: int
    pts: int


@dataclass(frozen=True, slots=True)
class Image:
    """A frame scaled for inference.

    Attributes:
        index: Index of the frame.
        pts: Presentation time in ticks.
        yuv: The upright image.
        cut: Whether this is the first frame after a hard cut.
    """

    index: int
    pts: int
    yuv: Yuv
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive frames of one segment whose images have the same size.

    Attributes:
        segment: Number of the segment.
        images: At least one image.
        box: Position of the images in the video's frame.
        closes: Whether the batch ends the segment.
        following: The next frame; None at the end of the video.
        memory: Earliest frame that cut detection needs to continue there.
        end: End of the last frame in ticks.
        seconds: Wall-clock time of decoding in seconds.
        damaged_packets: Packets of the batch that could not be decoded.
        reshaped: Frames whose size or aspect ratio differs from the previous frame's.
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
    """A decoded frame that is ready to be sent.

    Attributes:
        image: The scaled image.
        box: Position of the image in the video's frame.
        signature: Signature for cut detection.
        end: End of the frame in ticks.
        damaged: Packets that could not be decoded up to this frame.
        reshaped: Whether its size or aspect ratio differs from the previous frame's.
    """

    image: Image
    box: Box
    signature: FrameSignature
    end: int
    damaged: int
    reshaped: bool

    @property
    def kind(self) -> tuple[Box, int, int]:
        """Properties that all images of a batch share."""
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

    The start of a segment depends on presentation times alone, so that a resumed job produces the
    same segments.

    Args:
        reader: The video.
        segment: Number of the segment that starts at `start`.
        start: First frame.
        memory: `Batch.memory` of the last batch before `start`. Cut detection starts there, so that
            it yields the same cuts as without an interruption. None at the start of the video.
        batch_frames: Maximum number of frames per batch.
        segment_seconds: A segment ends before the first frame that is at least this much later than
            its own first frame.
        max_height: Maximum height in pixels. Higher frames are scaled down, keeping their aspect.
        max_frames: Maximum number of frames in a video.

    Raises:
        VideoError: There is no frame at `start`, although the reader found one when it opened the
            file; or there are too many frames.
    """
    length = Fraction(segment_seconds) / reader.info.time_base
    began, damaged_before = time.perf_counter(), reader.damaged_packets
    frames = _from(_Source(reader, max_height, max_frames), start, memory)
    judged = next(frames, None)
    if judged is None:
        raise VideoError(f"The video has no frame {start.index}. Upload the whole file again.")
    if start.index:
        # Damage before the first frame belongs to earlier segments.
        damaged_before = judged.frame.damaged
    first = judged.frame.image
    batch: list[JudgedFrame[_Decoded]] = []
    while judged is not None:
        batch.append(judged)
        judged = next(frames, None)
        following = judged.frame.image if judged else None
        closes = (
            following is None
            or following.pts - first.pts >= length
            or following.index - first.index >= MAX_SEGMENT_FRAMES
        )
        changes = judged is not None and judged.frame.kind != batch[0].frame.kind
        if closes or changes or len(batch) == batch_frames:
            damaged = judged.frame.damaged if judged else reader.damaged_packets
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
        images=[replace(judged.frame.image, cut=judged.cut) for judged in frames],
        box=last.frame.box,
        closes=closes,
        following=Position(following.index, following.pts) if following else None,
        memory=Position(last.memory.index, last.memory.pts),
        end=last.frame.end,
        seconds=seconds,
        damaged_packets=damaged_packets,
        reshaped=sum(judged.frame.reshaped for judged in frames),
    )


def _from(
    source: "_Source", start: Position, memory: Position | None
) -> Iterator[JudgedFrame[_Decoded]]:
    """Yields frames from one on, with the cuts."""
    remembered: list[FrameSignature] = []
    if memory is not None and memory.index < start.index:
        frames = source.frames(memory)
        for frame in frames:
            if frame.image.pts >= start.pts:
                # Near damage, decoding does not always find the same frames.
                if (frame.image.index, frame.image.pts) == (start.index, start.pts):
                    return iter(CutDetector(chain([frame], frames), _signature, remembered))
                break
            remembered.append(frame.signature)
    return iter(CutDetector(source.frames(start), _signature))


def _signature(frame: _Decoded) -> FrameSignature:
    return frame.signature


class _Source:
    """Decodes and scales the frames of a video."""

    def __init__(self, reader: VideoReader, max_height: int, max_frames: int) -> None:
        self._reader = reader
        self._max_height = max_height
        self._max_frames = max_frames

    def frames(self, start: Position) -> Iterator[_Decoded]:
        """Yields frames from one on."""
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
            signature=signature(frame.index, frame.pts, float(frame.pts * info.time_base), yuv),
            end=frame.pts + frame.duration,
            damaged=self._reader.damaged_packets,
            reshaped=frame.reshaped,
        )
