"""Finding hard cuts: where one shot ends and another begins.

There is a cut before a frame if no frame shortly after looks like any frame shortly before, and if
the two sides differ by more than frames around them do. So a flash or a strobe is no cut, as its
scene comes back; nor is a fast pan or a dancer close to the camera, where every frame differs from
the one before it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final, Generic, TypeVar

from services.gateway.dispatcher.glance import Glance, distance, is_flat, level_distance

T = TypeVar("T")

# What counts as shortly before or after: so much time, but at least and at most so many frames.
_SECONDS: Final = 0.3
_FEWEST: Final = 4
_MOST: Final = 24
# Frames of each side that are compared with those of the other.
_COMPARED: Final = 6
# From this distance on two frames show different scenes.
_DIFFERENT: Final = 0.4
# The two sides of a cut are so many times farther apart than the frames within each.
_STANDS_OUT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """A frame, with what finding cuts has to tell of it.

    Attributes:
        frame: The frame.
        cut: Whether it is the first frame after a cut.
        memory: The earliest frame that is remembered when the next frame is looked at.
    """

    frame: T
    cut: bool
    memory: Glance


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame and its distance from the one before it."""

    look: Glance
    change: float


class CutFinder(Generic[T]):
    """Tells of every frame whether there is a cut before it.

    What it tells of a frame depends on those within 0.3 s, or within 4 frames, before and after,
    and on nothing else. Frames are held back only while one that looks different is being judged.
    """

    def __init__(
        self, frames: Iterable[T], look: Callable[[T], Glance], before: Iterable[Glance] = ()
    ) -> None:
        """Gets ready.

        Args:
            frames: Consecutive frames.
            look: Takes a glance at a frame; called once for each, in order.
            before: The frames before those, from `Told.memory` of the last one of them on.
        """
        self._frames = iter(frames)
        self._look = look
        self._past: list[_Seen] = []
        self._ahead: deque[tuple[T, _Seen]] = deque()
        self._last: Glance | None = None
        for earlier in before:
            self._past.append(self._seen(earlier))

    def __iter__(self) -> Iterator[Told[T]]:
        while self._ahead or self._read():
            seen = self._ahead[0][1]
            cut = seen.change >= _DIFFERENT and _is_cut(self._past, self._after())
            frame, _ = self._ahead.popleft()
            self._past = _shortly([*self._past, seen][::-1])[::-1]
            yield Told(frame, cut, self._past[0].look)

    def _after(self) -> list[_Seen]:
        """The frames shortly after, from the one that is judged on; reads what it must."""
        while True:
            ahead = [seen for _, seen in self._ahead]
            after = _shortly(ahead)
            if len(after) < len(ahead) or len(after) == _MOST or not self._read():
                return after

    def _read(self) -> bool:
        for frame in self._frames:
            self._ahead.append((frame, self._seen(self._look(frame))))
            return True
        return False

    def _seen(self, look: Glance) -> _Seen:
        change = distance(self._last, look) if self._last else 0.0
        self._last = look
        return _Seen(look, change)


def _shortly(frames: Sequence[_Seen]) -> list[_Seen]:
    """Those of the frames that come shortly after the first, or shortly before it."""
    first = frames[0].look.seconds
    return [
        seen
        for number, seen in enumerate(frames[:_MOST])
        if number < _FEWEST or abs(seen.look.seconds - first) <= _SECONDS
    ]


def _is_cut(past: Sequence[_Seen], after: Sequence[_Seen]) -> bool:
    """Whether there is a cut between the frames right before and those right after."""
    if not past or not _stands_out(past, after):
        return False
    if is_flat(after[0].look) and not _stays_flat(after):
        return False  # if the scene does not come back, the cut is where another begins
    earlier, later = [seen.look for seen in past], [seen.look for seen in after]
    if not (all(map(is_flat, earlier)) or all(map(is_flat, later))):
        # It is of no matter through what the one scene became the other, or itself again.
        earlier, later = (
            [look for look in looks if not is_flat(look)] for looks in (earlier, later)
        )
    return all(
        distance(one, other, steady=True) >= _DIFFERENT
        for one in _some(earlier)
        for other in _some(later)
    )


def _stands_out(past: Sequence[_Seen], after: Sequence[_Seen]) -> bool:
    """Whether the step between two frames is larger than those before and after it."""
    last, now = past[-1].look, after[0]
    if not (is_flat(last) or is_flat(now.look)):
        usual = max(_median(seen.change for seen in part[1:]) for part in (past, after))
        return now.change >= _STANDS_OUT * usual
    # Fading to or from black, levels change by equal steps.
    usual = max(
        _median(level_distance(one.look, other.look) for one, other in pairwise(part))
        for part in (past[-_FEWEST:], after[:_FEWEST])
    )
    return level_distance(last, now.look) >= _STANDS_OUT * usual


def _stays_flat(after: Sequence[_Seen]) -> bool:
    """Whether frames have no structure for as long as matters; not so at the end of the video."""
    lasted = after[-1].look.seconds - after[0].look.seconds
    return len(after) >= _FEWEST and lasted > _SECONDS / 2 and all(is_flat(s.look) for s in after)


def _median(distances: Iterable[float]) -> float:
    return median(list(distances) or [0.0])


def _some(looks: Sequence[Glance]) -> Sequence[Glance]:
    """At most `_COMPARED` frames, evenly spread."""
    return looks[:: -(-len(looks) // _COMPARED)]
