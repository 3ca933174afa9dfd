"""The clock of a tracker: presentation times without their jitter."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean, median_low
from typing import Annotated, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

REFERENCE_RATE: Final = 25.0
"""Frames per second for which the filters were tuned; their unit of time is 1/25 s."""

MAX_SECONDS: Final = 1e9
"""Times beyond this, about 31 years, are rejected."""

_GAIN: Final = 0.1
"""Share of an error that corrects the clock: enough to follow, too little to pass on jitter."""

_JITTER_SECONDS: Final = 0.01
"""Errors up to this, or up to half an interval, count as jitter."""

_LEAST_INTERVAL: Final = 1e-6
_LEAST_STEP: Final = 0.25

_MEMORY_SECONDS: Final = 1.0
_LEAST_MEMORY: Final = 8
_MOST_MEMORY: Final = 64
"""Number of intervals from which the usual one is estimated: those of the last second, within
these bounds."""

_BURST_SECONDS: Final = 0.5
"""Recorders that stamp frames in bursts leave shorter pauses than this between them."""

_ROUNDED: Final = 0.4
"""Share of an interval by which a duration may exceed a limit.

Durations are known only to the nearest frame. Common limits often fall half way between two frames
(0.1 s is 2.5 frames at 25 per second), so rounding must not switch at one half.
"""


class FrameTime(NamedTuple):
    """The time of a frame.

    Attributes:
        time: Seconds from the start of the video, strictly increasing.
        interval: Usual interval between frames at this point, in seconds.
        cut: Whether the frame is the first after a hard cut, across which no motion continues.
    """

    time: float
    interval: float
    cut: bool = False

    def longest(self, limit: float) -> float:
        """Returns the longest duration, in seconds, that does not exceed a limit."""
        return limit + _ROUNDED * self.interval

    def within(self, seconds: float, limit: float) -> bool:
        """Whether a duration is at most a limit, rounded to frames."""
        return seconds <= self.longest(limit)

    def reached(self, seconds: float, limit: float) -> bool:
        """Whether a duration is at least a limit, rounded to frames."""
        return seconds >= limit - (1 - _ROUNDED) * self.interval


def even(count: int, rate: float, first: int = 0) -> list[FrameTime]:
    """Returns the times of frames at a constant rate, starting at index `first`."""
    return [FrameTime(index / rate, 1 / rate) for index in range(first, first + count)]


# Twice as far as any time may be, because the clock advances even if the times stand still.
_Seconds = Annotated[float, Field(ge=-2 * MAX_SECONDS, le=2 * MAX_SECONDS, allow_inf_nan=False)]


class ClockState(BaseModel):
    """The saved form of a clock.

    Attributes:
        measured: Presentation time of the last frame, in seconds.
        time: The clock's time at the last frame, in seconds.
        intervals: Intervals between the last frames in seconds, oldest first.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    measured: _Seconds
    time: _Seconds
    intervals: Annotated[
        list[Annotated[_Seconds, Field(gt=0)]],
        Field(max_length=_MOST_MEMORY),
    ]


class Clock:
    """Turns the presentation times of a video's frames into frame times.

    Containers and recorders round times, and browsers stamp frames late. Motion does not jump with
    such times, so as long as they only scatter around a steady rate, the clock runs evenly: like a
    phase-locked loop, it corrects a tenth of every error. It follows a dropped frame, a gap or a
    new rate at once, to within half an interval.
    """

    def __init__(self) -> None:
        """Begins a video."""
        self._measured: float | None = None
        self._time = 0.0
        self._intervals: list[float] = []

    @classmethod
    def load(cls, state: ClockState | None) -> Self:
        """Restores a clock from what `dump` returned; None begins a video."""
        clock = cls()
        if state is not None:
            clock._measured, clock._time = state.measured, state.time
            clock._intervals = list(state.intervals)
        return clock

    def dump(self) -> ClockState | None:
        """Returns everything that the clock remembers; None before the first frame."""
        if self._measured is None:
            return None
        return ClockState.model_construct(
            measured=self._measured, time=self._time, intervals=list(self._intervals)
        )

    def frame_times(self, times: Sequence[float], cuts: Sequence[bool]) -> Iterator[FrameTime]:
        """Yields the times of the next segment's frames.

        Args:
            times: Presentation time of each frame, in seconds.
            cuts: Whether each frame is the first after a hard cut.
        """
        if not self._intervals:
            # The first second of times gives the usual interval before any has passed.
            for before, after in pairwise(times[: _MOST_MEMORY + 1]):
                if len(self._intervals) >= _LEAST_MEMORY and after - times[0] > _MEMORY_SECONDS:
                    break
                self._remember(after - before)
        for time, cut in zip(times, cuts, strict=True):
            if self._measured is not None:
                self._remember(time - self._measured)
            interval = self._interval()
            self._time = time if self._measured is None else self._next(time, interval)
            self._measured = time
            yield FrameTime(self._time, interval, cut)

    def _next(self, time: float, interval: float) -> float:
        expected = self._time + interval
        error = time - expected
        if abs(error) <= max(interval / 2, _JITTER_SECONDS):
            time = expected + _GAIN * error
        # Time advances even if the measured times do not.
        return max(time, self._time + _LEAST_STEP * interval)

    def _remember(self, interval: float) -> None:
        if interval < _LEAST_INTERVAL:
            return  # the times do not increase, so they carry no information
        self._intervals.append(interval)
        kept = self._intervals
        while len(kept) > _LEAST_MEMORY and sum(kept[1:]) > _MEMORY_SECONDS:
            del kept[0]
        del kept[:-_MOST_MEMORY]

    def _interval(self) -> float:
        """Returns the mean of the last intervals, without those in which frames are missing."""
        if not self._intervals:
            return 1 / REFERENCE_RATE
        usual = median_low(self._intervals)
        short = [interval for interval in self._intervals if interval <= _BURST_SECONDS]
        if short and (mean := fmean(short)) > 2 * usual:
            return mean  # frames come in bursts, so the median interval is too short
        longest = usual + max(usual / 2, _JITTER_SECONDS)
        return fmean(interval for interval in self._intervals if interval <= longest)
