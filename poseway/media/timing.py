"""How fast pictures follow each other, and how long each is shown: measured, not believed."""

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
# What a container says of its rate is taken where it is this close to what is measured.
_CLOSE: Final = Fraction(2, 100)
# So many times the usual interval is a pause, not a slower rate.
_PAUSE: Final = 10
_USUAL_RATE: Final = Fraction(25)
# Denominators of the rates that cameras have: 25 or 30000/1001.
_EXACT: Final = (1, 1001)
# More than a decoder, all of its threads and deinterlacing hold back.
_MOST_PLACES: Final = 256


class _Times(NamedTuple):
    pts: int | None
    dts: int | None
    duration: int


class RateMeter:
    """Measures the rate of a stream from its first packets, and whether what it says is true.

    Attributes:
        pictures: Packets so far that make a picture appear.
    """

    def __init__(self, stream: av.VideoStream) -> None:
        self.pictures = 0
        self._stream = stream
        self._seen: list[_Times] = []
        self._bytes = 0

    def add(self, packet: Packet) -> None:
        """Takes the next packet."""
        self._bytes += packet.size
        if not shows_nothing(packet, self._stream.codec_context):
            self.pictures += 1
            self._seen.append(_Times(packet.pts, packet.dts, packet.duration or 0))

    @property
    def satisfied(self) -> bool:
        """Whether more packets would tell little more."""
        return self.pictures >= _ENOUGH_PACKETS or self._bytes >= _ENOUGH_BYTES

    def rate(self) -> Fraction:
        """Frames per second.

        What the container says is a hint: browsers' recorders say 1000, others nothing. But where
        it agrees with the times, it is exact (30000/1001), and they are rounded.
        """
        stream = self._stream
        told = [r for r in (stream.average_rate, stream.guessed_rate, stream.base_rate) if r]
        if told and is_counted(stream):
            return Fraction(told[0])
        measured = self._measured()
        if measured is None:
            return Fraction(told[0]) if told else _USUAL_RATE
        near = [Fraction(rate) for rate in told if abs(rate - measured) <= _CLOSE * measured]
        if not near:
            return Fraction(round(measured * 1000), 1000) or measured
        # Some of them may be estimates of FFmpeg's.
        return min(near, key=lambda rate: rate.denominator not in _EXACT)

    def least_duration(self) -> int | None:
        """Ticks that a frame must be said to be shown at least, to be believed.

        None if nothing that is said of that is true: then it comes from a rate that is not.
        """
        shown = self._in_order()
        intervals = [after - before for (before, _), (after, _) in pairwise(shown)]
        true = sum(
            abs(interval - told) <= 1 for interval, (_, told) in zip(intervals, shown, strict=False)
        )
        if not true or 2 * true < len(intervals):
            return None
        # Some write next to nothing for the last frame.
        return max(1, min(intervals) // _PAUSE)

    def _measured(self) -> Fraction | None:
        """Frames per second by the times alone; None if they do not tell."""
        intervals = [after - before for (before, _), (after, _) in pairwise(self._in_order())]
        if not intervals or not any(intervals):
            return None
        most = _PAUSE * median(intervals)
        usual = [i for i in intervals if i <= most] if most else intervals
        return len(usual) / (sum(usual) * Fraction(self._stream.time_base or 0))

    def _in_order(self) -> list[tuple[int, int]]:
        """Times and durations as they are shown, without gaps where packets are still to come."""
        shown = [(p.pts, p.duration) for p in self._seen if p.pts is not None]
        stored = [(p.dts, p.duration) for p in self._seen if p.dts is not None]
        if len(shown) < len(self._seen):
            return sorted(stored)  # AVI knows no other times
        # Whatever is shown before the last packet is decoded has been seen.
        complete = [each for each in shown if stored and each[0] <= max(stored)[0]]
        return sorted(complete if len(complete) > 1 else shown)


@dataclass(frozen=True, slots=True)
class StreamProbe:
    """What the beginning of a stream tells.

    Attributes:
        image: The first picture.
        rate: Frames per second.
        frames: Frames of the stream; None if they have not been counted.
        least_duration: See `RateMeter.least_duration`.
    """

    image: av.VideoFrame
    rate: Fraction
    frames: int | None
    least_duration: int | None


class AviTimestamps:
    """The times of pictures in AVI, which has none but the places of packets in the file.

    A decoder that reorders gives a picture so many packets after its own. Places may be empty, so
    that delay is one of packets, not of time.
    """

    def __init__(self) -> None:
        self._places: deque[int] = deque(maxlen=_MOST_PLACES)
        self._delay = 0

    def add(self, packet: Packet) -> None:
        """Takes the next packet that is decoded."""
        if packet.size and packet.dts is not None:
            self._places.append(packet.dts)

    def begin(self, image: av.VideoFrame) -> None:
        """Takes the first picture of the file: it shows how late the decoder is."""
        if image.dts is not None and image.dts in self._places:
            self._delay = self._places.index(image.dts)

    def clear(self) -> None:
        """Forgets the packets, before others follow that are elsewhere in the file."""
        self._places.clear()

    def time(self, image: av.VideoFrame) -> int | None:
        """Ticks at which a picture is shown; None if that is not known."""
        if image.dts is None or image.dts not in self._places:
            return None
        place = self._places.index(image.dts) - self._delay
        return self._places[place] if place >= 0 else None


def is_counted(stream: av.VideoStream) -> bool:
    """Whether the container has an index with the time of every frame, as most MP4 files have."""
    return "mp4" in stream.container.format.name and stream.frames > 0


def with_durations(
    frames: Iterator[SourceFrame], usual: int, least: int | None, stays: Callable[[], int]
) -> Iterator[SourceFrame]:
    """Sets how long each frame is shown: until the next one.

    Args:
        frames: Frames in order, each with the duration that the container tells, or 0.
        usual: Ticks that frames are usually shown.
        least: Ticks from which on what the container tells is believed of the last frame; None if
            it is not.
        stays: Is asked after the last frame until when empty packets have it shown, in ticks; 0 if
            there are none.
    """
    held: SourceFrame | None = None
    for frame in frames:
        if held is not None:
            yield replace(held, duration=frame.pts - held.pts)
        held = frame
    if held is not None:
        duration = usual if held.previous is None else held.pts - held.previous
        if (until := stays()) > held.pts:
            duration = until - held.pts
        elif least is not None and held.duration >= least:
            duration = held.duration
        yield replace(held, duration=duration)


def without_stray_times(
    images: Iterator[tuple[av.VideoFrame, int | None]], second: Fraction, stray: Callable[[], None]
) -> Iterator[tuple[av.VideoFrame, int | None]]:
    """Takes away times that are far ahead while the next go on where the last ones were.

    Args:
        images: Pictures and their ticks, if they have any.
        second: Ticks of a second.
        stray: Is called for each time that is taken away.
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
