"""The filter of SORT: a box that moves and grows at constant velocity."""

from functools import lru_cache
from typing import Final

import numpy as np
from filterpy.kalman import KalmanFilter
from numpy.typing import NDArray

_OBSERVATION: Final = np.eye(4, 7)
_MEASUREMENT_NOISE: Final = np.diag([1.0, 1.0, 10.0, 10.0])
# A new track's velocity is unknown: nearly all of it comes from the second measurement.
_FIRST_COVARIANCE: Final = np.diag([10.0] * 4 + [10_000.0] * 3)
_PROCESS_NOISE: Final = np.diag([1.0, 1.0, 1.0, 1.0, 0.01, 0.01, 0.01 * 0.01])


class BoxFilter:
    """Kalman filter of one box (Bewley et al. 2016, equation 1).

    The state is centre x, centre y, area, aspect, and the velocities of the first three in units
    per frame of `clock.REFERENCE_RATE`; the aspect is taken as constant. Matrices are those of the
    published code for steps of one such frame. For other steps the process noise grows with time,
    as that of a random walk does.
    """

    def __init__(self, measurement: NDArray[np.float64]) -> None:
        """Starts at rest.

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
        """The state, float64 (7,)."""
        mean: NDArray[np.float64] = self._filter.x[:, 0]
        return mean

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Its covariance, float64 (7, 7)."""
        covariance: NDArray[np.float64] = self._filter.P
        return covariance

    @classmethod
    def restore(cls, mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> "BoxFilter":
        """A filter that goes on where another one with this mean and covariance stood."""
        restored = cls(mean[:4])
        restored._filter.x[:, 0] = mean
        restored._filter.P = covariance
        return restored

    def predict(self, frames: float = 1.0) -> None:
        """Goes on by some time.

        Args:
            frames: How long, in frames of `clock.REFERENCE_RATE`; above 0.
        """
        mean = self.mean
        if mean[2] + frames * mean[6] <= 0:
            mean[6] = 0.0  # the area would vanish
        transition, noise = _matrices(frames)
        self._filter.predict(F=transition, Q=noise)

    def update(self, measurement: NDArray[np.float64]) -> None:
        """Takes in a measurement, float64 (4,)."""
        self._filter.update(measurement[:, None])


@lru_cache(maxsize=64)
def _matrices(frames: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Transition and process noise of a step."""
    transition = np.eye(7)
    transition[:3, 4:] = frames * np.eye(3)
    return transition, frames * _PROCESS_NOISE
