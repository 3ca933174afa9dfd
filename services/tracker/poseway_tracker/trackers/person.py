"""A person whom the default tracker follows."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from poseway_tracker.trackers.boxes import measure
from poseway_tracker.trackers.clock import REFERENCE_RATE, FrameTime
from poseway_tracker.trackers.kalman import BoxFilter

_MAX_RETRACED_FRAMES: Final = 600
"""After a longer absence the filter starts anew; filtering the whole way back would take long."""


@dataclass(slots=True)
class Person:
    """A person and their motion.

    Attributes:
        filter: Estimates where the person is now.
        box: float64 (4,): left, top, right, bottom at the last sighting.
        pose: float64 (18, 3): keypoints at the last sighting; None if only boxes are tracked.
        mean: float64 (7,): mean of the filter at the last sighting.
        covariance: float64 (7, 7): covariance of the filter at the last sighting.
        seen: Time of the last sighting, in seconds.
        found: Sum of the intervals of all frames in which the person was found, in seconds.
        id: Identity, from 1; 0 until the person is confirmed.
        missed: Frames since the last sighting.
    """

    filter: BoxFilter
    box: NDArray[np.float64]
    pose: NDArray[np.float64] | None
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    seen: float
    found: float
    id: int = 0
    missed: int = 0

    @classmethod
    def begin(
        cls, box: NDArray[np.float64], pose: NDArray[np.float64] | None, frame_time: FrameTime
    ) -> Self:
        """Starts a person at rest, at their first sighting."""
        first = BoxFilter(measure(box[None])[0])
        mean, covariance = first.mean.copy(), first.covariance.copy()
        return cls(first, box, pose, mean, covariance, frame_time.time, frame_time.interval)

    def predict(self, seconds: float) -> None:
        """Moves the filter forward by the time since the previous frame."""
        if self.missed:
            self.filter.mean[6] = 0.0  # a growing area would run away while the person is unseen
        self.filter.predict(seconds * REFERENCE_RATE)
        self.missed += 1

    def find(
        self, box: NDArray[np.float64], pose: NDArray[np.float64] | None, frame_time: FrameTime
    ) -> None:
        """Updates the person with a sighting."""
        measurement = measure(box[None])[0]
        if self.missed > 1:
            self._retrace(measurement, frame_time.time - self.seen)
        self.filter.update(measurement)
        self.box, self.pose = box, pose
        self.mean, self.covariance = self.filter.mean.copy(), self.filter.covariance.copy()
        self.seen = frame_time.time
        self.found += frame_time.interval
        self.missed = 0

    def _retrace(self, measurement: NDArray[np.float64], seconds: float) -> None:
        """Filters the gap again, along a straight line at constant speed.

        This is the observation-centric re-update of OC-SORT (Cao et al. 2023, section 4.1).
        """
        if self.missed > _MAX_RETRACED_FRAMES:
            self.filter = BoxFilter(measurement)
            return
        last = measure(self.box[None])[0]
        self.filter = BoxFilter.restore(self.mean, self.covariance.copy())
        frames = seconds / self.missed * REFERENCE_RATE
        for step in range(1, self.missed):
            self.filter.predict(frames)
            self.filter.update(last + (measurement - last) * (step / self.missed))
        self.filter.predict(frames)
