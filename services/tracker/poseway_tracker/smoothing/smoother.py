"""Smooths keypoints over time: drops outliers, removes jitter and fills short gaps."""

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
from poseway_tracker.trackers.clock import FrameTime

MEMORY_SECONDS: Final = 5.0
"""A track that is not seen for longer is forgotten."""

GROW_SECONDS: Final = 0.25
SHRINK_SECONDS: Final = 2.0
"""Time constants of a person's height. Bending and turning only make people look smaller."""

NEVER: Final = -1e12
"""Time of a keypoint that was never seen, in seconds."""

_NUMBER: Final = len(KEYPOINTS)


class Strength(StrEnum):
    """How strongly keypoints are smoothed."""

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
        keypoints: float64 (18, 3): smoothed x, y in pixels and the measured score. A keypoint that
            was not detected, or was dropped, is (0, 0, 0); if its gap is filled, it has a place and
            the score 0.
        filled: bool (18,): which keypoints were interpolated.
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
    """What is remembered of a track.

    Attributes:
        id: Identity.
        height: Body height in pixels; 0 if unknown.
        times: Time of each keypoint's last detection, in seconds; `NEVER` if there is none.
        places: Filtered x, y of each keypoint, in pixels.
        speeds: Filtered speed of each keypoint, in pixels per second.
    """

    id: Annotated[int, Field(ge=0, le=1 << 62)]
    height: Annotated[float, Field(ge=0, le=1e18, allow_inf_nan=False)]
    times: Annotated[list[_Time], Field(min_length=_NUMBER, max_length=_NUMBER)]
    places: _Pairs
    speeds: _Pairs


class SmootherState(_Record):
    """The saved form of a smoother."""

    # In strict mode Python passes the enumeration, JSON its value.
    strength: Strength
    tracks: list[TrackMemory]

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if len({track.id for track in self.tracks}) < len(self.tracks):
            raise ValueError("ids must differ")
        return self


class _Memory:
    """The n tracks as arrays, one row each; see `TrackMemory`.

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

    Each frame passes three steps. Keypoints that would make a limb impossibly long are dropped
    (`limb_lengths`). The others pass a One Euro filter (`one_euro`). Gaps up to the limit of the
    strength are filled (`gap_filling`); after a longer gap the filter starts anew.

    The result does not depend on where the video is divided into segments, with one exception: in a
    gap that is open at the end of a segment, the frames of that segment stay unfilled. The rest of
    the gap is filled in the next segment.
    """

    def __init__(self, strength: Strength) -> None:
        """Begins a video.

        Args:
            strength: How strongly keypoints are smoothed.
        """
        self._strength = strength
        self._filter, self._gap_seconds = _KINDS[strength]
        self._tracks: list[TrackMemory] = []

    @classmethod
    def load(cls, state: SmootherState) -> Self:
        """Restores a smoother from what `dump` returned."""
        smoother = cls(state.strength)
        smoother._tracks = list(state.tracks)
        return smoother

    def dump(self) -> SmootherState:
        """Returns everything remembered: a record for each track of the last 5 seconds."""
        return SmootherState.model_construct(strength=self._strength, tracks=list(self._tracks))

    def segment(
        self, frames: Sequence[Mapping[int, NDArray[np.float64]]], frame_times: Sequence[FrameTime]
    ) -> list[dict[int, Smoothed]]:
        """Smooths the next segment.

        Args:
            frames: For each of the next frames, none left out, the keypoints by track id, float64
                (18, 3): x, y in pixels and score; score 0 means not detected.
            frame_times: The time of each frame.

        Returns:
            The smoothed keypoints of the same tracks in the same frames.
        """
        ids = list(dict.fromkeys([t.id for t in self._tracks] + [i for f in frames for i in f]))
        row_of = {track_id: row for row, track_id in enumerate(ids)}
        counts = [len(frame) for frame in frames]
        times = np.repeat(
            np.array([frame_time.time for frame_time in frame_times], np.float64), counts
        )
        limits = np.repeat(np.array(list(map(self._limit, frame_times)), np.float64), counts)
        rows = np.array([row_of[track_id] for frame in frames for track_id in frame], np.intp)
        poses = [pose for frame in frames for pose in frame.values()]
        keypoints = np.array(poses, np.float64).reshape(-1, _NUMBER, 3)

        memory = _Memory(self._tracks, len(ids))
        before = memory.times.copy(), memory.places.copy()
        heights, allowed = self._heights(memory, keypoints, rows, times)
        seen = limb_lengths.possible(keypoints, allowed)
        places = self._filtered(memory, keypoints, seen, heights, rows, counts, frame_times)
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
        if frame_times:
            self._remember(memory, ids, frame_times[-1])
        scores = np.where(seen, keypoints[..., 2], 0.0)
        smoothed = iter(map(Smoothed, np.dstack([places, scores]), filled))
        return [{track_id: next(smoothed) for track_id in frame} for frame in frames]

    def _limit(self, frame_time: FrameTime) -> float:
        """Returns the longest gap, in seconds, that is filled if it ends with this frame."""
        # A gap of one frame is filled at any frame rate.
        gap = max(self._gap_seconds, frame_time.interval)
        return frame_time.longest(gap) + frame_time.interval

    def _heights(
        self,
        memory: _Memory,
        keypoints: NDArray[np.float64],
        rows: NDArray[np.intp],
        times: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns each pose's body height, tracked over time, and the one that limits its limbs.

        If enough limbs agree on a larger height than the one remembered, the larger one is right:
        the camera has come closer.

        Returns:
            Two float64 (n,), in pixels.
        """
        observed = limb_lengths.body_heights(keypoints)
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
        frame_times: Sequence[FrameTime],
    ) -> NDArray[np.float64]:
        """Returns filtered places, float64 (n, 18, 2), in pixels; 0 for keypoints not in `seen`."""
        weights = weigh(keypoints[..., 2])
        results = np.zeros((len(keypoints), _NUMBER, 2))
        stop = 0
        for frame_time, count in zip(frame_times, counts, strict=True):
            now, stop = slice(stop, stop + count), stop + count
            row, here, measured = rows[now], seen[now], keypoints[now, :, :2]
            old, elapsed = memory.places[row], frame_time.time - memory.times[row]
            continues = (here & (elapsed <= self._limit(frame_time)))[..., None]
            places, speeds = self._filter.step(
                old,
                memory.speeds[row],
                measured,
                elapsed,
                weights[now],
                heights[now, None],
            )
            places = np.where(continues, places, measured)
            results[now] = np.where(here[..., None], places, 0.0)
            memory.places[row] = np.where(here[..., None], places, old)
            memory.speeds[row] = np.where(
                here[..., None], np.where(continues, speeds, 0.0), memory.speeds[row]
            )
            memory.times[row] = np.where(here, frame_time.time, memory.times[row])
        return results

    def _remember(self, memory: _Memory, ids: Sequence[int], last: FrameTime) -> None:
        ages = last.time - memory.times
        # At a low frame rate, a gap that may still be filled can be longer than the memory.
        memory.times[ages >= max(MEMORY_SECONDS, self._limit(last))] = NEVER
        kept = np.flatnonzero((memory.times > NEVER).any(axis=1)).tolist()
        self._tracks = [memory.track(row, ids[row]) for row in kept]
