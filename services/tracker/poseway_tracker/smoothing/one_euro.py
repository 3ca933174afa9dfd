"""The One Euro filter (Casiez, Roussel and Vogel 2012, doi:10.1145/2207676.2208639)."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MIN_SIZE: Final = 1e-3
"""Least body height in pixels; smaller ones count as this."""

_SURE: Final = 0.3
_LEAST_WEIGHT: Final = 0.25


class OneEuro(NamedTuple):
    """Filters points in the plane. Speeds count in body heights per second.

    Attributes:
        min_cutoff: Cutoff frequency of a point at rest, in Hz (the paper's fcmin).
        beta: Increase of the cutoff frequency per body height per second, in Hz.
        speed_cutoff: Cutoff frequency of the speed, in Hz (the paper's dcutoff).
    """

    min_cutoff: float
    beta: float
    speed_cutoff: float

    def step(
        self,
        places: NDArray[np.float64],
        speeds: NDArray[np.float64],
        measured: NDArray[np.float64],
        seconds: NDArray[np.float64],
        weights: NDArray[np.float64],
        heights: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Filters one measurement of each point (the paper's algorithm 1).

        Unlike in the paper, x and y share the cutoff of the speed's length, so diagonal motion is
        smoothed like motion along an axis, and the measurement's weight multiplies both smoothing
        factors.

        Args:
            places: float64 (..., 2): filtered places before, in pixels.
            speeds: float64 (..., 2): filtered speeds before, in pixels per second.
            measured: float64 (..., 2): measured places, in pixels.
            seconds: float64 (...): time since the measurement before, above 0.
            weights: float64 (...): weight of each measurement, 0..1.
            heights: float64 (...): body heights in pixels; points of height 0 are not smoothed.

        Returns:
            The filtered places and speeds, float64 (..., 2) each.
        """
        moved = measured - places
        weight_of_speed = weights * _alpha(self.speed_cutoff, seconds)
        speeds = speeds + weight_of_speed[..., None] * (moved / seconds[..., None] - speeds)
        x, y = speeds[..., 0], speeds[..., 1]
        pace = np.sqrt(x * x + y * y) / np.maximum(heights, MIN_SIZE)
        alpha = weights * _alpha(self.min_cutoff + self.beta * pace, seconds)
        smoothed = places + alpha[..., None] * moved
        return np.where(heights[..., None] > 0, smoothed, measured), speeds


def weigh(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the weights of measurements with these scores.

    Weights are proportional to scores, at least 0.25, and 1 from a score of 0.3 up. Most keypoints
    score higher, so only doubtful ones follow more slowly.
    """
    return np.clip(scores / _SURE, _LEAST_WEIGHT, 1.0)


def _alpha(
    cutoff: NDArray[np.float64] | float, seconds: NDArray[np.float64]
) -> NDArray[np.float64]:
    # Algorithm 1: alpha = 1 / (1 + tau / Te) with tau = 1 / (2 pi fc).
    turns = 2 * np.pi * cutoff * seconds
    alpha: NDArray[np.float64] = turns / (1.0 + turns)
    return alpha
