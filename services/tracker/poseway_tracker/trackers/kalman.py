"""SORT's Kalman filter: a box that moves and grows at constant velocity."""

from functools import lru_cache
from typing import Final

import numpy as np
from filterpy.kalman import KalmanFilter
from numpy.typing import NDArray

_OBSERVATION: Final = np.eye(4, 7)
_MEASUREMENT_NOISE: Final = np.diag([1.0, 1.0, 10.0, 10.0])
# The velocity of a new track is unknown, so the second measurement determines nearly all of it.
_FIRST_COVARIANCE: Final = np.diag([10.0] * 4 + [10_000.0] * 3)
_PROCESS_NOISE: Final = np.diag([1.0, 1.0, 1.0, 1.0, 0.01, 0.01, 0.01 * 0.01])


class BoxFilter:
    """Kalman filter of one box (Bewley et al. 2016, equation 1).

    The state is centre x and y in pixels, area in square pixels, aspect (width / height), and the
    velocities of the first three per frame at `clock.REFERENCE_RATE`. The aspect is constant. For
    steps of one such frame the matrices are those of the published code; for other steps the
    process noise is proportional to time, as for a random walk.
    """

    def __init__(self, measurement: NDArray[np.float64]) -> None:
        """Starts a filter at rest.

        Args:
            measurement: float64 (4,): centre x, centre y, area, aspect.
        """
        self._filter = KalmanFilter(dim_x=7, dim_z=4)
        self._filter.H = _OBSERVATION
        self._filter.R = _MEASUREMENT_NOISE
        self._filter.P = _FIRST_COVARIANCE.copy()
        self._filter.x[:4, 0] = measurement

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean of the state, float64 (7,)."""
        mean: NDArray[np.float64] = self._filter.x[:, 0]
        return mean

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance of the state, float64 (7, 7)."""
        covariance: NDArray[np.float64] = self._filter.P
        return covariance

    @classmethod
    def restore(cls, mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> "BoxFilter":
        """Restores a filter from its mean, float64 (7,), and covariance, float64 (7, 7)."""
        restored = cls(mean[:4])
        restored._filter.x[:, 0] = mean
        restored._filter.P = covariance
        return restored

    def predict(self, frames: float = 1.0) -> None:
        """Advances the state.

        Args:
            frames: Time step in frames at `clock.REFERENCE_RATE`, above 0.
        """
        mean = self.mean
        if mean[2] + frames * mean[6] <= 0:
            mean[6] = 0.0  # otherwise the area would become negative
        transition, noise = _matrices(frames)
        self._filter.predict(F=transition, Q=noise)

    def update(self, measurement: NDArray[np.float64]) -> None:
        """Corrects the state with a measurement, float64 (4,): centre x, centre y, area, aspect."""
        self._filter.update(measurement[:, None])


@lru_cache(maxsize=64)
def _matrices(frames: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Returns the transition matrix and the process noise of a step, float64 (7, 7) each."""
    transition = np.eye(7)
    transition[:3, 4:] = frames * np.eye(3)
    return transition, frames * _PROCESS_NOISE
