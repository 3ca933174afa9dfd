"""The 1€ filter (Casiez, Roussel and Vogel 2012, doi:10.1145/2207676.2208639)."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MIN_SIZE: Final = 1e-3
"""Smaller sizes, in pixels, are taken as this."""

_SURE: Final = 0.3
_LEAST_WEIGHT: Final = 0.25


class OneEuro(NamedTuple):
    """The filter of points in the plane, whose speed is measured in body heights.

    Attributes:
        min_cutoff: Cutoff frequency of a point at rest, in Hz.
        beta: What a speed of one body height per second adds to it, in Hz.
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
        """Takes in a measurement (the paper's algorithm 1).

        x and y share a cutoff, that of the speed's length: a diagonal is not filtered less than a
        line along an axis. Both smoothing factors are multiplied by the measurement's weight.

        Args:
            places: float64 (..., 2): what the filter gave before, in pixels.
            speeds: float64 (..., 2): its smoothed speed before, in pixels per second.
            measured: float64 (..., 2): where the points are now, in pixels.
            seconds: float64 (...): time since then; above 0.
            weights: float64 (...): weight of each measurement, 0 to 1.
            heights: float64 (...): body heights in pixels; where it is 0, nothing is smoothed.

        Returns:
            The new places and speeds.
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
    """Weights of measurements with these scores: proportional, from a quarter up to 1 at 0.3.

    Most keypoints have more than that, so that only the doubtful ones follow more slowly.
    """
    return np.clip(scores / _SURE, _LEAST_WEIGHT, 1.0)


def _alpha(
    cutoff: NDArray[np.float64] | float, seconds: NDArray[np.float64]
) -> NDArray[np.float64]:
    turns = 2 * np.pi * cutoff * seconds
    alpha: NDArray[np.float64] = turns / (1.0 + turns)
    return alpha
