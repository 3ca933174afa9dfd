"""Finding hard cuts: where one shot ends and another begins.

There is a cut before a frame if no frame shortly after looks like any frame shortly before, and if
the two sides differ by more than frames around them do. So a flash or a strobe is no cut, as its
scene comes back; nor is a fast pan or a dancer close to the camera, where every frame differs from
the one before it. Converting the frame rate can leave a frame that mixes both shots: the cut is
after it.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from statistics import median
from typing import Final, Generic, TypeVar

from poseway_gateway.dispatcher.frames.frame_signature import (
    FrameSignature,
    distance,
    is_flat,
    level_distance,
)

T = TypeVar("T")

# What counts as shortly before or after: so much time, but at least and at most so many frames.
_SECONDS: Final = 0.3
_FEWEST: Final = 4
_MOST: Final = 24
# Frames of the shortest shot.
_SHORTEST: Final = 3
# Frames of each side that are compared with those of the other.
_COMPARED: Final = 6
# From this distance on two frames show different scenes.
_DIFFERENT: Final = 0.4
# From this distance on a frame between two shots may be a mixture of both: half of each is about
# 0.3 from either.
_MIXED: Final = 0.1
# The geometric mean of the steps to and from it is so many times larger than those around them; a
# dissolve has several that are alike.
_MIXED_STANDS_OUT: Final = 1.5
# The two sides of a cut are so many times farther apart than the frames within each.
_STANDS_OUT: Final = 2.0


@dataclass(frozen=True, slots=True)
class JudgedFrame(Generic[T]):
    """A frame, with what finding cuts has to tell of it.

    Attributes:
        frame: The frame.
        cut: Whether it is the first frame after a cut.
        memory: The earliest frame that is remembered when the next frame is looked at.
    """

    frame: T
    cut: bool
    memory: FrameSignature


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame and its distance from the one before it."""

    look: FrameSignature
    change: float


class CutDetector(Generic[T]):
    """Tells of every frame whether there is a cut before it.

    What it tells of a frame depends on those within 0.3 s, or within 4 frames, before and after,
    and on nothing else. Frames are held back only while one that looks different is being judged.
    """

    def __init__(
        self,
        frames: Iterable[T],
        look: Callable[[T], FrameSignature],
        before: Iterable[FrameSignature] = (),
    ) -> None:
        """Gets ready.

        Args:
            frames: Consecutive frames.
            look: Takes a glance at a frame; called once for each, in order.
            before: The frames before those, from `JudgedFrame.memory` of the last one of them on.
        """
        self._frames = iter(frames)
        self._look = look
        self._past: list[_Seen] = []
        self._ahead: deque[tuple[T, _Seen]] = deque()
        self._last: FrameSignature | None = None
        for earlier in before:
            self._past.append(self._seen(earlier))

    def __iter__(self) -> Iterator[JudgedFrame[T]]:
        while self._ahead or self._read():
            seen = self._ahead[0][1]
            cut = self._is_suspect(seen) and _is_cut(self._past, self._after())
            frame, _ = self._ahead.popleft()
            self._past = _shortly([*self._past, seen][::-1])[::-1]
            yield JudgedFrame(frame, cut, self._past[0].look)

    def _is_suspect(self, seen: _Seen) -> bool:
        if seen.change >= _DIFFERENT:
            return True
        return bool(self._past) and min(self._past[-1].change, seen.change) >= _MIXED

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

    def _seen(self, look: FrameSignature) -> _Seen:
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
    if not past:
        return False
    return _is_hard(past, after) or _is_after_mixture(past, after)


def _is_hard(past: Sequence[_Seen], after: Sequence[_Seen]) -> bool:
    """Whether one shot ends with the last frame and another begins with the next."""
    if after[0].change < _DIFFERENT or not _stands_out(past, after):
        return False
    if is_flat(after[0].look) and not _stays_flat(after):
        return False  # if the scene does not come back, the cut is where another begins
    return _differ(past, after) and _stays(after)


def _is_after_mixture(past: Sequence[_Seen], after: Sequence[_Seen]) -> bool:
    """Whether the last frame is a mixture of the shots before and after it.

    A mixture looks like both, so none of the frames next to it can begin a shot for `_is_hard`.
    """
    *before, mixture = past
    if not before or is_flat(mixture.look):
        return False
    steps = mixture.change, after[0].change
    usual = max(
        before[-1].change,
        _median(seen.change for seen in before[1:]),
        _median(seen.change for seen in after[1:]),
        *(seen.change for seen in after[1:2]),
    )
    return (
        min(steps) >= _MIXED
        and math.prod(steps) >= (_MIXED_STANDS_OUT * usual) ** 2
        and _differ(before, after)
        and not _differ(before, [mixture])
        and not _differ([mixture], after)
    )


def _differ(past: Sequence[_Seen], after: Sequence[_Seen]) -> bool:
    """Whether no frame of the one side looks like any of the other."""
    earlier, later = [seen.look for seen in reversed(past)], [seen.look for seen in after]
    if not (all(map(is_flat, earlier)) or all(map(is_flat, later))):
        # It is of no matter through what the one scene became the other, or itself again.
        earlier, later = (
            [look for look in looks if not is_flat(look)] for looks in (earlier, later)
        )
    # Those close in time are the most likely to look alike, which settles it.
    pairs = sorted(product(_some(earlier), _some(later)), key=_seconds_between)
    return all(distance(*pair, steady=True) >= _DIFFERENT for pair in pairs)


def _seconds_between(pair: tuple[FrameSignature, FrameSignature]) -> float:
    return abs(pair[1].seconds - pair[0].seconds)


def _stays(after: Sequence[_Seen]) -> bool:
    """Whether the first frame begins a shot, rather than being on the way to the next one."""
    calm = min(_DIFFERENT, after[0].change / _STANDS_OUT)
    if all(seen.change < calm for seen in after[1:_SHORTEST]):
        return True
    return not _differ(after[:1], after[_SHORTEST - 1 :] or after[-1:])


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


def _some(looks: Sequence[FrameSignature]) -> Sequence[FrameSignature]:
    """At most `_COMPARED` frames, the first and others evenly spread."""
    return looks[:: -(-len(looks) // _COMPARED)]
