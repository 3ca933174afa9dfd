"""The people of one video over time: their ids and their smoothed keypoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError
from poseway_tracker import state
from poseway_tracker.smoothing.smoother import Smoothed, Smoother
from poseway_tracker.trackers.base import Detections, Poses, Tracker
from poseway_tracker.trackers.clock import MAX_SECONDS, Clock


@dataclass(frozen=True, slots=True)
class Frame:
    """The n people detected in a frame.

    Attributes:
        index: Index of the frame, from 0.
        keypoints: float64 (n, 18, 3): x, y in pixels and score of each keypoint.
        scores: float64 (n,): confidence in each person.
        time: Presentation time in seconds from the start of the video.
        cut: Whether this is the first frame after a hard cut.
    """

    index: int
    keypoints: Poses
    scores: NDArray[np.float64]
    time: float
    cut: bool = False


class Identified(NamedTuple):
    """The identities of the n people of a frame.

    Attributes:
        ids: int64 (n,): distinct ids from 1; 0 for a person without a track.
        smoothed: Smoothed keypoints by id; empty without a smoother.
    """

    ids: NDArray[np.int64]
    smoothed: dict[int, Smoothed]


class VideoTracker:
    """Tracks and smooths the people of one video, segment by segment."""

    def __init__(self, tracker: Tracker, smoother: Smoother | None) -> None:
        """Begins a video.

        Args:
            tracker: Gives people ids.
            smoother: Smooths keypoints; None leaves them as they are.
        """
        self._tracker = tracker
        self._smoother = smoother
        self._clock = Clock()
        self._last_frame: int | None = None

    @classmethod
    def resume(cls, saved: bytes, frame_rate: float, next_time: float) -> Self:
        """Continues a video from a saved state, with the settings of that state.

        Args:
            saved: The result of `save`.
            frame_rate: Frames per second; used only by states of older versions.
            next_time: Presentation time of the next frame in seconds; used likewise.

        Raises:
            InvalidRequestError: The state cannot be read.
            IncompatibleError: A newer version wrote the state.
        """
        tracker, smoother, clock, last_frame = state.load(saved, frame_rate, next_time)
        video = cls(tracker, smoother)
        video._clock, video._last_frame = clock, last_frame
        return video

    def save(self) -> bytes:
        """Returns the state, from which the video continues with the same results bit for bit."""
        saved = state.Saved(self._tracker, self._smoother, self._clock, self._last_frame)
        return state.dump(saved)

    def segment(self, frames: Sequence[Frame]) -> list[Identified]:
        """Tracks and smooths the people of the next frames.

        Raises:
            InvalidRequestError: A frame is out of order, a number is not finite, a time is out of
                range, or a person has no keypoint. Nothing has changed then.
        """
        last = self._last_frame
        detections = []
        for frame in frames:
            _check_order(frame.index, last)
            _check_time(frame)
            last = frame.index
            detections.append(_detections(frame))
        times, cuts = [frame.time for frame in frames], [frame.cut for frame in frames]
        frame_times = list(self._clock.frame_times(times, cuts))
        tracked = [frame.ids for frame in self._tracker.segment(detections, frame_times)]
        self._last_frame = last
        if self._smoother is None:
            return [Identified(ids, {}) for ids in tracked]
        people = [
            {id_: pose for id_, pose in zip(ids.tolist(), frame.keypoints, strict=True) if id_}
            for ids, frame in zip(tracked, frames, strict=True)
        ]
        return list(map(Identified, tracked, self._smoother.segment(people, frame_times)))


def _check_order(index: int, last: int | None) -> None:
    if index < 0:
        raise InvalidRequestError(f"Frame {index}: frame indices start at 0.")
    if last is not None and index != last + 1:
        raise InvalidRequestError(
            f"Frame {index} came after frame {last}. "
            "Send every frame once and in order, including those without people."
        )


def _check_time(frame: Frame) -> None:
    if not abs(frame.time) <= MAX_SECONDS:
        raise InvalidRequestError(
            f"Frame {frame.index}: the time must be a number of seconds, not {frame.time}."
        )


def _detections(frame: Frame) -> Detections:
    try:
        detections = Detections.of_poses(frame.keypoints, frame.scores)
        detections.check()
    except InvalidRequestError as error:
        raise InvalidRequestError(f"Frame {frame.index}: {error.message}") from error
    return detections
