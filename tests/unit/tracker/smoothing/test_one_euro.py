"""The One Euro filter."""

from math import hypot, pi

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway_tracker.smoothing.one_euro import OneEuro, weigh

_FILTER = OneEuro(1.2, 3.0, 0.9)


def _follow(
    track: NDArray[np.float64], seconds: float, weight: float = 1.0, height: float = 100.0
) -> NDArray[np.float64]:
    places, speeds = track[0], np.zeros(2)
    result = [places]
    for measured in track[1:]:
        places, speeds = _FILTER.step(
            places, speeds, measured, np.array(seconds), np.array(weight), np.array(height)
        )
        result.append(places)
    return np.array(result)


def test_matches_algorithm_1_of_the_paper() -> None:
    track = np.random.default_rng(3).normal(0, 20, (50, 2))
    x, y = track[0].tolist()
    u = v = 0.0
    expected = [(x, y)]
    for new_x, new_y in track[1:].tolist():
        a = 1 / (1 + 25 / (2 * pi * 0.9))
        u = a * (new_x - x) * 25 + (1 - a) * u
        v = a * (new_y - y) * 25 + (1 - a) * v
        a = 1 / (1 + 25 / (2 * pi * (1.2 + 3.0 * hypot(u, v) / 100)))
        x, y = a * new_x + (1 - a) * x, a * new_y + (1 - a) * y
        expected.append((x, y))
    np.testing.assert_allclose(_follow(track, 1 / 25), expected, rtol=1e-12)


@pytest.mark.parametrize("scale", [0.1, 8.0])
def test_result_scales_with_resolution(scale: float) -> None:
    track = np.random.default_rng(4).normal(0, 20, (50, 2)).cumsum(axis=0)
    np.testing.assert_allclose(
        _follow(track * scale, 1 / 30, height=100 * scale), _follow(track, 1 / 30) * scale
    )


def test_fast_points_are_filtered_less_than_slow_ones() -> None:
    steps = np.stack([np.arange(60.0), np.zeros(60)], axis=1)
    lag_of_slow = (steps - _follow(steps, 1 / 30))[-1, 0]
    lag_of_fast = (20 * steps - _follow(20 * steps, 1 / 30))[-1, 0] / 20
    assert 0 < lag_of_fast < lag_of_slow / 3


def test_low_weight_moves_little() -> None:
    jump = np.array([[0.0, 0.0], [10.0, 10.0]])
    doubtful, certain = (_follow(jump, 1 / 30, weight)[1, 0] for weight in (0.25, 1.0))
    assert 0 < doubtful < 0.25 * certain


def test_weights_rise_with_the_score() -> None:
    weights = weigh(np.linspace(0, 1, 101))
    assert (np.diff(weights) >= 0).all()
    assert weights[0] == 0.25
    assert weights[15] == pytest.approx(0.5)
    assert (weights[30:] == 1).all()


def test_without_a_height_nothing_is_smoothed() -> None:
    track = np.random.default_rng(5).normal(0, 20, (20, 2))
    np.testing.assert_array_equal(_follow(track, 1 / 30, height=0.0), track)
