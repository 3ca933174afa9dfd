"""All that is known of the people of one video over time: who they are, and how they move."""

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
    """The people who were found in a frame.

    Attributes:
        index: Index of the frame.
        keypoints: float64 (n, 18, 3): x, y in pixels and score of each person's keypoints.
        scores: float64 (n,): how certain each person is.
        time: Presentation time, in seconds from the start of the video.
        cut: Whether it is the first frame after a hard cut.
    """

    index: int
    keypoints: Poses
    scores: NDArray[np.float64]
    time: float
    cut: bool = False


class Identified(NamedTuple):
    """Who they are.

    Attributes:
        ids: int64 (n,): id of each person, from 1, no two the same; 0 for who is nobody's track.
        smoothed: Keypoints by id; empty where nothing is smoothed.
    """

    ids: NDArray[np.int64]
    smoothed: dict[int, Smoothed]


class VideoTracker:
    """Gives the people of one video identities, segment by segment."""

    def __init__(self, tracker: Tracker, smoother: Smoother | None) -> None:
        """Begins a video.

        Args:
            tracker: Says who is who.
            smoother: Smooths the keypoints; None leaves that out.
        """
        self._tracker = tracker
        self._smoother = smoother
        self._clock = Clock()
        self._last_frame: int | None = None

    @classmethod
    def resume(cls, saved: bytes, frame_rate: float, next_time: float) -> Self:
        """Goes on where another one stood, with that one's settings.

        Args:
            saved: What `save` gave.
            frame_rate: Frames per second, by which older versions went.
            next_time: Presentation time of the next frame, in seconds.

        Raises:
            InvalidRequestError: It cannot be read.
            IncompatibleError: A newer version wrote it.
        """
        tracker, smoother, clock, last_frame = state.load(saved, frame_rate, next_time)
        video = cls(tracker, smoother)
        video._clock, video._last_frame = clock, last_frame
        return video

    def save(self) -> bytes:
        """All that is remembered; `resume` gives the same ids and keypoints as going on would."""
        saved = state.Saved(self._tracker, self._smoother, self._clock, self._last_frame)
        return state.dump(saved)

    def segment(self, frames: Sequence[Frame]) -> list[Identified]:
        """Tracks and smooths the people of the next frames.

        Raises:
            InvalidRequestError: A frame is out of order, a number is not finite, a time is beyond
                reason, or a person has no keypoint; nothing has been taken in.
        """
        last = self._last_frame
        detections = []
        for frame in frames:
            _check_order(frame.index, last)
            _check_time(frame)
            last = frame.index
            detections.append(_detections(frame))
        times, cuts = [frame.time for frame in frames], [frame.cut for frame in frames]
        moments = list(self._clock.moments(times, cuts))
        tracked = [frame.ids for frame in self._tracker.segment(detections, moments)]
        self._last_frame = last
        if self._smoother is None:
            return [Identified(ids, {}) for ids in tracked]
        people = [
            {id_: pose for id_, pose in zip(ids.tolist(), frame.keypoints, strict=True) if id_}
            for ids, frame in zip(tracked, frames, strict=True)
        ]
        return list(map(Identified, tracked, self._smoother.segment(people, moments)))


def _check_order(index: int, last: int | None) -> None:
    if index < 0:
        raise InvalidRequestError(f"Frame {index}: frames are counted from 0.")
    if last is not None and index != last + 1:
        raise InvalidRequestError(
            f"Frame {index} came after frame {last}. "
            "Send every frame once and in order, those without people too."
        )


def _check_time(frame: Frame) -> None:
    if not abs(frame.time) <= MAX_SECONDS:
        raise InvalidRequestError(
            f"Frame {frame.index}: its time must be a number of seconds, not {frame.time}."
        )


def _detections(frame: Frame) -> Detections:
    try:
        detections = Detections.of_poses(frame.keypoints, frame.scores)
        detections.check()
    except InvalidRequestError as error:
        raise InvalidRequestError(f"Frame {frame.index}: {error.message}") from error
    return detections
