"""Detects hard cuts, where one shot ends and another begins.

There is a cut before a frame if no frame shortly after resembles any frame shortly before, and if
the two sides differ by more than neighbouring frames do. So a flash or a strobe is not a cut,
because its scene returns. Neither is a fast pan or a dancer close to the camera, where every frame
differs from the previous one. Frame-rate conversion can leave a frame that mixes both shots. Then
the cut comes after that frame.
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

# "Shortly" before or after means this much time, but at least and at most this many frames.
_SECONDS: Final = 0.3
_FEWEST: Final = 4
_MOST: Final = 24
# Length of the shortest shot in frames.
_SHORTEST: Final = 3
# Number of frames on each side that are compared with the other side.
_COMPARED: Final = 6
# Two frames at least this far apart show different scenes.
_DIFFERENT: Final = 0.4
# A frame between two shots that is at least this far from both may be a mixture. An equal mixture
# is about 0.3 from either.
_MIXED: Final = 0.1
# Ratio by which the geometric mean of the steps into and out of a mixture exceeds the steps around
# them. A dissolve has several similar steps.
_MIXED_STANDS_OUT: Final = 1.5
# Ratio by which the distance across a cut exceeds the distances within each side.
_STANDS_OUT: Final = 2.0


@dataclass(frozen=True, slots=True)
class JudgedFrame(Generic[T]):
    """A frame with the verdict of cut detection.

    Attributes:
        frame: The frame.
        cut: Whether it is the first frame after a cut.
        memory: Earliest frame that is needed to judge the next one.
    """

    frame: T
    cut: bool
    memory: FrameSignature


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame's signature and its distance from the previous frame."""

    signature: FrameSignature
    change: float


class CutDetector(Generic[T]):
    """Decides for every frame whether there is a cut before it.

    The verdict depends only on the frames within 0.3 s, or within 4 frames, before and after.
    Frames are delayed only while a frame that looks different is being judged.
    """

    def __init__(
        self,
        frames: Iterable[T],
        signature: Callable[[T], FrameSignature],
        before: Iterable[FrameSignature] = (),
    ) -> None:
        """Prepares the detection.

        Args:
            frames: Consecutive frames.
            signature: Computes the signature of a frame. Called once for each frame, in order.
            before: Signatures of the frames before those, starting at the `JudgedFrame.memory` of
                the last one of them.
        """
        self._frames = iter(frames)
        self._signature = signature
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
            yield JudgedFrame(frame, cut, self._past[0].signature)

    def _is_suspect(self, seen: _Seen) -> bool:
        if seen.change >= _DIFFERENT:
            return True
        return bool(self._past) and min(self._past[-1].change, seen.change) >= _MIXED

    def _after(self) -> list[_Seen]:
        """The judged frame and those shortly after it. Reads as many frames as needed."""
        while True:
            ahead = [seen for _, seen in self._ahead]
            after = _shortly(ahead)
            if len(after) < len(ahead) or len(after) == _MOST or not self._read():
                return after

    def _read(self) -> bool:
        for frame in self._frames:
            self._ahead.append((frame, self._seen(self._signature(frame))))
            return True
        return False

    def _seen(self, signature: FrameSignature) -> _Seen:
        change = distance(self._last, signature) if self._last else 0.0
        self._last = signature
        return _Seen(signature, change)


def _shortly(frames: Sequence[_Seen]) -> list[_Seen]:
    """Returns the frames that come shortly after, or before, the first one."""
    first = frames[0].signature.seconds
    return [
        seen
        for number, seen in enumerate(frames[:_MOST])
        if number < _FEWEST or abs(seen.signature.seconds - first) <= _SECONDS
    ]


def _is_cut(past: Sequence[_Seen], after: Sequence[_Seen]) -> bool:
    """Whether there is a cut between the frames before and those after."""
    if not past:
        return False
    return _is_hard(past, after) or _is_after_mixture(past, after)


def _is_hard(past: Sequence[_Seen], after: Sequence[_Seen]) -> bool:
    """Whether one shot ends with the last frame before and another begins with the next."""
    if after[0].change < _DIFFERENT or not _stands_out(past, after):
        return False
    if is_flat(after[0].signature) and not _stays_flat(after):
        return False  # unless the scene returns, the cut is where the next scene begins
    return _differ(past, after) and _stays(after)


def _is_after_mixture(past: Sequence[_Seen], after: Sequence[_Seen]) -> bool:
    """Whether the last frame before is a mixture of the shots around it.

    A mixture resembles both shots, so `_is_hard` finds no cut next to it.
    """
    *before, mixture = past
    if not before or is_flat(mixture.signature):
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
    """Whether no frame of one side resembles any frame of the other."""
    earlier, later = [seen.signature for seen in reversed(past)], [seen.signature for seen in after]
    if not (all(map(is_flat, earlier)) or all(map(is_flat, later))):
        # Flat frames between the scenes do not matter.
        earlier, later = (
            [frame for frame in side if not is_flat(frame)] for side in (earlier, later)
        )
    # Frames close in time are the most likely to be alike, which ends the search.
    pairs = sorted(product(_some(earlier), _some(later)), key=_seconds_between)
    return all(distance(*pair, steady=True) >= _DIFFERENT for pair in pairs)


def _seconds_between(pair: tuple[FrameSignature, FrameSignature]) -> float:
    return abs(pair[1].seconds - pair[0].seconds)


def _stays(after: Sequence[_Seen]) -> bool:
    """Whether the first frame begins a shot and is not part of a transition."""
    calm = min(_DIFFERENT, after[0].change / _STANDS_OUT)
    if all(seen.change < calm for seen in after[1:_SHORTEST]):
        return True
    return not _differ(after[:1], after[_SHORTEST - 1 :] or after[-1:])


def _stands_out(past: Sequence[_Seen], after: Sequence[_Seen]) -> bool:
    """Whether the step across the cut is larger than the steps before and after it."""
    last, now = past[-1].signature, after[0]
    if not (is_flat(last) or is_flat(now.signature)):
        usual = max(_median(seen.change for seen in part[1:]) for part in (past, after))
        return now.change >= _STANDS_OUT * usual
    # In a fade to or from black, levels change in equal steps.
    usual = max(
        _median(level_distance(one.signature, other.signature) for one, other in pairwise(part))
        for part in (past[-_FEWEST:], after[:_FEWEST])
    )
    return level_distance(last, now.signature) >= _STANDS_OUT * usual


def _stays_flat(after: Sequence[_Seen]) -> bool:
    """Whether the frames stay flat long enough to count; False at the end of the video."""
    lasted = after[-1].signature.seconds - after[0].signature.seconds
    return (
        len(after) >= _FEWEST and lasted > _SECONDS / 2 and all(is_flat(s.signature) for s in after)
    )


def _median(distances: Iterable[float]) -> float:
    return median(list(distances) or [0.0])


def _some(signatures: Sequence[FrameSignature]) -> Sequence[FrameSignature]:
    """At most `_COMPARED` frames: the first one and others, evenly spaced."""
    return signatures[:: -(-len(signatures) // _COMPARED)]
