"""The time of a tracker: measured, and without the jitter of whoever stamped the frames."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean, median_low
from typing import Annotated, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

REFERENCE_RATE: Final = 25.0
"""Frames per second for which the trackers' filters were tuned; their unit of time is 1/25 s."""

MAX_SECONDS: Final = 1e9
"""Times beyond this, 31 years, are refused."""

_GAIN: Final = 0.1
"""How much of an error corrects the clock: enough to follow, too little to pass jitter on."""

_JITTER_SECONDS: Final = 0.01
"""Times that are off by less than this, or by half an interval, are jitter."""

_LEAST_INTERVAL: Final = 1e-6
_LEAST_STEP: Final = 0.25

_MEMORY_SECONDS: Final = 1.0
_LEAST_MEMORY: Final = 8
_MOST_MEMORY: Final = 64
"""Intervals that the usual one is estimated from: those of the last second, within these bounds."""

_BURST_SECONDS: Final = 0.5
"""Recorders that stamp frames in bursts do so more often than this."""

_ROUNDED: Final = 0.4
"""Part of an interval by which a duration may be exceeded.

Durations cannot be told more exactly than in frames. Usual durations and frame rates make many
halves of frames (0.1 s at 25 a second are 2.5), which must not be where the rounding turns over.
"""


class Moment(NamedTuple):
    """When a frame is shown.

    Attributes:
        time: Seconds from the start of the video; more than the time of the frame before.
        interval: Seconds that usually pass between frames at this point.
        cut: Whether the frame is the first after a hard cut: nothing goes on from the one before.
    """

    time: float
    interval: float
    cut: bool = False

    def longest(self, limit: float) -> float:
        """The longest duration, in seconds, that is at most a limit to the nearest frame."""
        return limit + _ROUNDED * self.interval

    def within(self, seconds: float, limit: float) -> bool:
        """Whether a duration is at most a limit, to the nearest frame."""
        return seconds <= self.longest(limit)

    def reached(self, seconds: float, limit: float) -> bool:
        """Whether a duration is at least a limit, to the nearest frame."""
        return seconds >= limit - (1 - _ROUNDED) * self.interval


def even(count: int, rate: float, first: int = 0) -> list[Moment]:
    """The moments of frames at a constant rate, from the frame with index `first` on."""
    return [Moment(index / rate, 1 / rate) for index in range(first, first + count)]


# Twice as far as any time can be: a clock whose times stand still goes on.
_Seconds = Annotated[float, Field(ge=-2 * MAX_SECONDS, le=2 * MAX_SECONDS, allow_inf_nan=False)]


class ClockState(BaseModel):
    """A clock between two segments.

    Attributes:
        measured: Presentation time of the last frame, in seconds.
        time: What the clock said then, in seconds.
        intervals: Seconds between the last frames, oldest first.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    measured: _Seconds
    time: _Seconds
    intervals: Annotated[
        list[Annotated[_Seconds, Field(gt=0)]],
        Field(max_length=_MOST_MEMORY),
    ]


class Clock:
    """Tells the moments of a video's frames from their presentation times.

    Containers and recorders round times, and browsers stamp frames when they get round to it.
    Motion does not jump with those times, so the clock goes evenly where times only wander about
    an even beat: it is corrected by a tenth of every error, as a phase-locked loop is. A dropped
    frame, a gap or a change of rate it follows at once, to within half an interval.
    """

    def __init__(self) -> None:
        """Begins a video."""
        self._measured: float | None = None
        self._time = 0.0
        self._intervals: list[float] = []

    @classmethod
    def load(cls, state: ClockState | None) -> Self:
        """A clock that goes on where the one that gave this state stood; None begins a video."""
        clock = cls()
        if state is not None:
            clock._measured, clock._time = state.measured, state.time
            clock._intervals = list(state.intervals)
        return clock

    def dump(self) -> ClockState | None:
        """All that is remembered; None before the first frame."""
        if self._measured is None:
            return None
        return ClockState.model_construct(
            measured=self._measured, time=self._time, intervals=list(self._intervals)
        )

    def moments(self, times: Sequence[float], cuts: Sequence[bool]) -> Iterator[Moment]:
        """The moments of the next segment's frames.

        Args:
            times: Presentation time of each frame, in seconds.
            cuts: Whether each frame is the first after a hard cut.
        """
        if not self._intervals:
            # Those of the first second tell what the usual interval is before any has passed.
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
            yield Moment(self._time, interval, cut)

    def _next(self, time: float, interval: float) -> float:
        expected = self._time + interval
        error = time - expected
        if abs(error) <= max(interval / 2, _JITTER_SECONDS):
            time = expected + _GAIN * error
        # Whatever is measured, time goes on.
        return max(time, self._time + _LEAST_STEP * interval)

    def _remember(self, interval: float) -> None:
        if interval < _LEAST_INTERVAL:
            return  # the times do not rise, and say nothing
        self._intervals.append(interval)
        kept = self._intervals
        while len(kept) > _LEAST_MEMORY and sum(kept[1:]) > _MEMORY_SECONDS:
            del kept[0]
        del kept[:-_MOST_MEMORY]

    def _interval(self) -> float:
        """The mean of the last intervals but those in which frames are missing."""
        if not self._intervals:
            return 1 / REFERENCE_RATE
        usual = median_low(self._intervals)
        short = [interval for interval in self._intervals if interval <= _BURST_SECONDS]
        if short and (mean := fmean(short)) > 2 * usual:
            return mean  # frames come in bursts: most intervals tell nothing
        longest = usual + max(usual / 2, _JITTER_SECONDS)
        return fmean(interval for interval in self._intervals if interval <= longest)
