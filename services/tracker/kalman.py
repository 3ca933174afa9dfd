"""The filter of SORT: a box that moves and grows at constant velocity."""

from typing import Final

import numpy as np
from filterpy.kalman import KalmanFilter
from numpy.typing import NDArray

_TRANSITION: Final = np.eye(7)
_TRANSITION[:3, 4:] = np.eye(3)
_OBSERVATION: Final = np.eye(4, 7)
_MEASUREMENT_NOISE: Final = np.diag([1.0, 1.0, 10.0, 10.0])
# A new track's velocity is unknown: nearly all of it comes from the second measurement.
_FIRST_COVARIANCE: Final = np.diag([10.0] * 4 + [10_000.0] * 3)
_PROCESS_NOISE: Final = np.diag([1.0, 1.0, 1.0, 1.0, 0.01, 0.01, 0.01 * 0.01])


class BoxFilter:
    """Kalman filter of one box (Bewley et al. 2016, equation 1).

    The state is centre x, centre y, area, aspect, and the velocities of the first three in units
    per frame; the aspect is taken as constant. Matrices are those of the published code.
    """

    def __init__(self, measurement: NDArray[np.float64]) -> None:
        """Starts at rest.

        Args:
            measurement: float64 (4,): centre x, centre y, area, aspect.
        """
        self._filter = KalmanFilter(dim_x=7, dim_z=4)
        self._filter.F = _TRANSITION
        self._filter.H = _OBSERVATION
        self._filter.R = _MEASUREMENT_NOISE
        self._filter.Q = _PROCESS_NOISE
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

    def predict(self) -> None:
        """Goes on by one frame."""
        mean = self.mean
        if mean[2] + mean[6] <= 0:
            mean[6] = 0.0  # the area would vanish
        self._filter.predict()

    def update(self, measurement: NDArray[np.float64]) -> None:
        """Takes in a measurement, float64 (4,)."""
        self._filter.update(measurement[:, None])
