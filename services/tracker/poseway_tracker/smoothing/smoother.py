"""Keypoints in time: outliers dropped, short gaps filled, jitter taken out."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import exp
from typing import Annotated, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from poseway.skeleton import KEYPOINTS
from poseway_tracker.smoothing import gap_filling, limb_lengths
from poseway_tracker.smoothing.one_euro import OneEuro, weigh
from poseway_tracker.trackers.clock import Moment

MEMORY_SECONDS: Final = 5.0
"""A track not seen for longer is forgotten."""

GROW_SECONDS: Final = 0.25
SHRINK_SECONDS: Final = 2.0
"""Time constants of a person's size. Bending and turning make people look small, not large."""

NEVER: Final = -1e12
"""Time of what was never seen, in seconds."""

_NUMBER: Final = len(KEYPOINTS)


class Strength(StrEnum):
    """How much is smoothed."""

    LIGHT = "light"
    STRONG = "strong"


class _Kind(NamedTuple):
    filter: OneEuro
    gap_seconds: float


_KINDS: Final = {
    Strength.LIGHT: _Kind(OneEuro(3.0, 30.0, 4.0), 0.1),
    Strength.STRONG: _Kind(OneEuro(0.8, 12.0, 3.0), 0.3),
}


class Smoothed(NamedTuple):
    """A person in a frame.

    Attributes:
        keypoints: float64 (18, 3): x, y in pixels and the score that was measured. A keypoint that
            was not seen or was dropped is 0, 0, 0, or has a place and the score 0 if it is filled.
        filled: bool (18,): which keypoints were not measured but lie in a short gap.
    """

    keypoints: NDArray[np.float64]
    filled: NDArray[np.bool_]


_Number = Annotated[float, Field(ge=-1e18, le=1e18, allow_inf_nan=False)]
_Time = Annotated[float, Field(ge=NEVER, le=-NEVER, allow_inf_nan=False)]
_Pair = Annotated[list[_Number], Field(min_length=2, max_length=2)]
_Pairs = Annotated[list[_Pair], Field(min_length=_NUMBER, max_length=_NUMBER)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class TrackMemory(_Record):
    """What is kept of a track: its size, and per keypoint how it was seen last.

    Attributes:
        id: Its identity.
        height: Body height in pixels; 0 if not known.
        times: When each keypoint was seen last, in seconds; `NEVER` if it was not.
        places: Where the filter had each keypoint, in pixels.
        speeds: How fast, in pixels per second.
    """

    id: Annotated[int, Field(ge=0, le=1 << 62)]
    height: Annotated[float, Field(ge=0, le=1e18, allow_inf_nan=False)]
    times: Annotated[list[_Time], Field(min_length=_NUMBER, max_length=_NUMBER)]
    places: _Pairs
    speeds: _Pairs


class SmootherState(_Record):
    """A smoother between two segments."""

    # Strict means the enumeration itself from Python and its value from JSON.
    strength: Strength
    tracks: list[TrackMemory]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({track.id for track in self.tracks}) < len(self.tracks):
            raise ValueError("ids must differ")
        return self


class _Memory:
    """The tracks as arrays, a row each.

    Attributes:
        heights: float64 (n,).
        times: float64 (n, 18).
        places: float64 (n, 18, 2).
        speeds: float64 (n, 18, 2).
    """

    def __init__(self, tracks: Sequence[TrackMemory], rows: int) -> None:
        self.heights = np.zeros(rows)
        self.times = np.full((rows, _NUMBER), NEVER)
        self.places = np.zeros((rows, _NUMBER, 2))
        self.speeds = np.zeros((rows, _NUMBER, 2))
        for row, track in enumerate(tracks):
            self.heights[row] = track.height
            self.times[row] = track.times
            self.places[row] = track.places
            self.speeds[row] = track.speeds

    def track(self, row: int, track_id: int) -> TrackMemory:
        return TrackMemory.model_construct(
            id=track_id,
            height=float(self.heights[row]),
            times=self.times[row].tolist(),
            places=self.places[row].tolist(),
            speeds=self.speeds[row].tolist(),
        )


class Smoother:
    """Smooths the keypoints of one video's tracks, segment by segment.

    In every frame keypoints that make a limb impossibly long are dropped (`limbs`), what is left
    passes a 1€ filter (`one_euro`), and gaps between two of its values are filled (`gaps`) if they
    are at most as long as the strength says. After a longer gap the filter starts anew.

    Where a video is cut into segments makes no difference, with one exception: a gap that is open
    at the end of a segment is not filled in that segment. It is in the next one, up to the frame
    in which the keypoint is seen again.
    """

    def __init__(self, strength: Strength) -> None:
        """Begins a video.

        Args:
            strength: How much is smoothed.
        """
        self._strength = strength
        self._filter, self._gap_seconds = _KINDS[strength]
        self._tracks: list[TrackMemory] = []

    @classmethod
    def load(cls, state: SmootherState) -> Self:
        """A smoother that goes on where the one that gave this state stood."""
        smoother = cls(state.strength)
        smoother._tracks = list(state.tracks)
        return smoother

    def dump(self) -> SmootherState:
        """All that the smoother remembers: a record for each track of the last five seconds."""
        return SmootherState.model_construct(strength=self._strength, tracks=list(self._tracks))

    def segment(
        self, frames: Sequence[Mapping[int, NDArray[np.float64]]], moments: Sequence[Moment]
    ) -> list[dict[int, Smoothed]]:
        """Smooths the next segment.

        Args:
            frames: The frames that come next, none left out; in each the keypoints by track id,
                float64 (18, 3): x, y in pixels, score; score 0 = not seen. They are not changed.
            moments: When each frame is shown.

        Returns:
            The same tracks in the same frames.
        """
        ids = list(dict.fromkeys([t.id for t in self._tracks] + [i for f in frames for i in f]))
        row_of = {track_id: row for row, track_id in enumerate(ids)}
        counts = [len(frame) for frame in frames]
        times = np.repeat(np.array([moment.time for moment in moments], np.float64), counts)
        limits = np.repeat(np.array(list(map(self._limit, moments)), np.float64), counts)
        rows = np.array([row_of[track_id] for frame in frames for track_id in frame], np.intp)
        poses = [pose for frame in frames for pose in frame.values()]
        keypoints = np.array(poses, np.float64).reshape(-1, _NUMBER, 3)

        memory = _Memory(self._tracks, len(ids))
        before = memory.times.copy(), memory.places.copy()
        heights, allowed = self._sizes(memory, keypoints, rows, times)
        seen = limb_lengths.possible(keypoints, allowed)
        places = self._filtered(memory, keypoints, seen, heights, rows, counts, moments)
        filled = np.zeros_like(seen)
        for row in range(len(ids)):
            mine = np.flatnonzero(rows == row)
            places[mine], filled[mine] = gap_filling.fill(
                times[mine],
                places[mine],
                seen[mine],
                before[0][row],
                before[1][row],
                limits[mine],
            )
        if moments:
            self._remember(memory, ids, moments[-1])
        scores = np.where(seen, keypoints[..., 2], 0.0)
        smoothed = iter(map(Smoothed, np.dstack([places, scores]), filled))
        return [{track_id: next(smoothed) for track_id in frame} for frame in frames]

    def _limit(self, moment: Moment) -> float:
        """Seconds between two sightings with the longest gap that is filled, ended by a frame."""
        # A gap of one frame is filled however long frames are shown.
        gap = max(self._gap_seconds, moment.interval)
        return moment.longest(gap) + moment.interval

    def _sizes(
        self,
        memory: _Memory,
        keypoints: NDArray[np.float64],
        rows: NDArray[np.intp],
        times: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Each pose's body height, followed over time, and the largest that it may have.

        Enough limbs that agree on more than is remembered are right: the camera has come closer.
        """
        observed = limb_lengths.sizes(keypoints)
        known = memory.heights.tolist()
        last = memory.times.max(axis=1, initial=NEVER).tolist()
        here = keypoints[..., 2].max(axis=1, initial=0.0) > 0
        heights = []
        for row, time, new, is_here in zip(
            rows.tolist(), times.tolist(), observed.tolist(), here.tolist(), strict=True
        ):
            elapsed = time - last[row]
            if elapsed >= MEMORY_SECONDS:
                known[row] = 0.0
            if is_here:
                last[row] = time
            if new > 0:
                old = known[row] or new
                constant = GROW_SECONDS if new > old else SHRINK_SECONDS
                known[row] = old + (1 - exp(-elapsed / constant)) * (new - old)
            heights.append(known[row])
        memory.heights = np.array(known)
        followed = np.array(heights)
        return followed, np.maximum(followed, observed)

    def _filtered(
        self,
        memory: _Memory,
        keypoints: NDArray[np.float64],
        seen: NDArray[np.bool_],
        heights: NDArray[np.float64],
        rows: NDArray[np.intp],
        counts: Sequence[int],
        moments: Sequence[Moment],
    ) -> NDArray[np.float64]:
        """The places of the keypoints that are seen, (n, 18, 2), and 0 for the others."""
        weights = weigh(keypoints[..., 2])
        results = np.zeros((len(keypoints), _NUMBER, 2))
        stop = 0
        for moment, count in zip(moments, counts, strict=True):
            now, stop = slice(stop, stop + count), stop + count
            row, here, measured = rows[now], seen[now], keypoints[now, :, :2]
            old, elapsed = memory.places[row], moment.time - memory.times[row]
            goes_on = (here & (elapsed <= self._limit(moment)))[..., None]
            places, speeds = self._filter.step(
                old,
                memory.speeds[row],
                measured,
                elapsed,
                weights[now],
                heights[now, None],
            )
            places = np.where(goes_on, places, measured)
            results[now] = np.where(here[..., None], places, 0.0)
            memory.places[row] = np.where(here[..., None], places, old)
            memory.speeds[row] = np.where(
                here[..., None], np.where(goes_on, speeds, 0.0), memory.speeds[row]
            )
            memory.times[row] = np.where(here, moment.time, memory.times[row])
        return results

    def _remember(self, memory: _Memory, ids: Sequence[int], last: Moment) -> None:
        ages = last.time - memory.times
        # Where frames are far apart, a gap that may still be filled is longer.
        memory.times[ages >= max(MEMORY_SECONDS, self._limit(last))] = NEVER
        kept = np.flatnonzero((memory.times > NEVER).any(axis=1)).tolist()
        self._tracks = [memory.track(row, ids[row]) for row in kept]
