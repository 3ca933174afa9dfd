"""Measures frame rates and frame durations instead of trusting what the container declares."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

import av

from poseway.media.frame import SourceFrame
from poseway.media.packets import Packet, shows_nothing

_ENOUGH_PACKETS: Final = 60
_ENOUGH_BYTES: Final = 8 << 20
# A declared rate is used if it differs from the measured one by at most this fraction.
_CLOSE: Final = Fraction(2, 100)
# An interval this many times the median is a pause, not a slower rate.
_PAUSE: Final = 10
_USUAL_RATE: Final = Fraction(25)
# Denominators of camera frame rates: 25 or 30000/1001.
_EXACT: Final = (1, 1001)
# More packets than the decoder, its threads and the deinterlacer hold back.
_MAX_POSITIONS: Final = 256


class _Times(NamedTuple):
    pts: int | None
    dts: int | None
    duration: int


class RateMeter:
    """Measures the rate of a stream from its first packets, and checks what the container declares.

    Attributes:
        frames: Number of packets so far that make a frame appear.
    """

    def __init__(self, stream: av.VideoStream) -> None:
        self.frames = 0
        self._stream = stream
        self._seen: list[_Times] = []
        self._bytes = 0

    def add(self, packet: Packet) -> None:
        """Takes the next packet."""
        self._bytes += packet.size
        if not shows_nothing(packet, self._stream.codec_context):
            self.frames += 1
            self._seen.append(_Times(packet.pts, packet.dts, packet.duration or 0))

    @property
    def satisfied(self) -> bool:
        """Whether more packets would hardly change the result."""
        return self.frames >= _ENOUGH_PACKETS or self._bytes >= _ENOUGH_BYTES

    def rate(self) -> Fraction:
        """Returns frames per second.

        The declared rate is only a hint: browser recorders declare 1000, others nothing. But if it
        agrees with the measured one, it is exact (30000/1001), while timestamps are rounded.
        """
        stream = self._stream
        declared = [r for r in (stream.average_rate, stream.guessed_rate, stream.base_rate) if r]
        if declared and is_counted(stream):
            return Fraction(declared[0])
        measured = self._measured()
        if measured is None:
            return Fraction(declared[0]) if declared else _USUAL_RATE
        near = [Fraction(rate) for rate in declared if abs(rate - measured) <= _CLOSE * measured]
        if not near:
            return Fraction(round(measured * 1000), 1000) or measured
        # Some of these may be FFmpeg's estimates.
        return min(near, key=lambda rate: rate.denominator not in _EXACT)

    def least_duration(self) -> int | None:
        """Returns the shortest declared frame duration, in ticks, that is credible.

        None if most declared durations are wrong: they then derive from a wrong rate.
        """
        shown = self._in_order()
        intervals = [after - before for (before, _), (after, _) in pairwise(shown)]
        true = sum(
            abs(interval - declared) <= 1
            for interval, (_, declared) in zip(intervals, shown, strict=False)
        )
        if not true or 2 * true < len(intervals):
            return None
        # Some encoders write almost 0 for the last frame.
        return max(1, min(intervals) // _PAUSE)

    def _measured(self) -> Fraction | None:
        """Returns frames per second by timestamps alone; None if they are not conclusive."""
        intervals = [after - before for (before, _), (after, _) in pairwise(self._in_order())]
        if not intervals or not any(intervals):
            return None
        most = _PAUSE * median(intervals)
        usual = [i for i in intervals if i <= most] if most else intervals
        return len(usual) / (sum(usual) * Fraction(self._stream.time_base or 0))

    def _in_order(self) -> list[tuple[int, int]]:
        """Returns times and durations in presentation order, up to where packets are missing."""
        shown = [(p.pts, p.duration) for p in self._seen if p.pts is not None]
        stored = [(p.dts, p.duration) for p in self._seen if p.dts is not None]
        if len(shown) < len(self._seen):
            return sorted(stored)  # AVI stores decoding times only
        # Every frame that is shown before the last packet is decoded has been seen.
        complete = [each for each in shown if stored and each[0] <= max(stored)[0]]
        return sorted(complete if len(complete) > 1 else shown)


@dataclass(frozen=True, slots=True)
class StreamProbe:
    """What the start of a stream reveals.

    Attributes:
        image: The first frame.
        rate: Frames per second.
        frames: Number of frames in the stream; None if they were not counted.
        least_duration: See `RateMeter.least_duration`.
    """

    image: av.VideoFrame
    rate: Fraction
    frames: int | None
    least_duration: int | None


class AviTimestamps:
    """Presentation times of frames in AVI, which stores only the position of each packet.

    A decoder that reorders returns a frame a fixed number of packets after its own. Packets may be
    empty, so that delay is counted in packets, not in time.
    """

    def __init__(self) -> None:
        self._positions: deque[int] = deque(maxlen=_MAX_POSITIONS)
        self._delay = 0

    def add(self, packet: Packet) -> None:
        """Takes the next packet to be decoded."""
        if packet.size and packet.dts is not None:
            self._positions.append(packet.dts)

    def begin(self, image: av.VideoFrame) -> None:
        """Takes the first frame of the file, which reveals the decoder's delay."""
        if image.dts is not None and image.dts in self._positions:
            self._delay = self._positions.index(image.dts)

    def clear(self) -> None:
        """Drops the packets before a seek."""
        self._positions.clear()

    def time(self, image: av.VideoFrame) -> int | None:
        """Returns the ticks at which a frame is shown; None if unknown."""
        if image.dts is None or image.dts not in self._positions:
            return None
        position = self._positions.index(image.dts) - self._delay
        return self._positions[position] if position >= 0 else None


def is_counted(stream: av.VideoStream) -> bool:
    """Whether the container indexes the time of every frame, as most MP4 files do."""
    return "mp4" in stream.container.format.name and stream.frames > 0


def with_durations(
    frames: Iterator[SourceFrame], usual: int, least: int | None, held_until: Callable[[], int]
) -> Iterator[SourceFrame]:
    """Sets the duration of each frame: it is shown until the next one.

    Args:
        frames: Frames in order, with the duration that the container declares, or 0.
        usual: Usual ticks of a frame.
        least: Least credible ticks of the last frame's declared duration; None if none is credible.
        held_until: Returns the ticks until which empty packets hold the last frame on screen, or 0.
            Called after that frame.
    """
    held: SourceFrame | None = None
    for frame in frames:
        if held is not None:
            yield replace(held, duration=frame.pts - held.pts)
        held = frame
    if held is not None:
        duration = usual if held.previous is None else held.pts - held.previous
        if (until := held_until()) > held.pts:
            duration = until - held.pts
        elif least is not None and held.duration >= least:
            duration = held.duration
        yield replace(held, duration=duration)


def without_stray_times(
    images: Iterator[tuple[av.VideoFrame, int | None]], second: Fraction, stray: Callable[[], None]
) -> Iterator[tuple[av.VideoFrame, int | None]]:
    """Removes a time far ahead of the next one, if that continues from the one before.

    Args:
        images: Frames and their ticks, None if unknown.
        second: Ticks per second.
        stray: Called for each time that is removed.
    """
    held: tuple[av.VideoFrame, int | None] | None = None
    before: int | None = None
    for image, ticks in images:
        if held is not None:
            if _is_stray(before, held[1], ticks, second):
                stray()
                held = held[0], None
            yield held
            before = held[1] if held[1] is not None else before
        held = image, ticks
    if held is not None:
        yield held


def _is_stray(before: int | None, ticks: int | None, after: int | None, second: Fraction) -> bool:
    if before is None or ticks is None or after is None:
        return False
    return before < after < ticks - second
