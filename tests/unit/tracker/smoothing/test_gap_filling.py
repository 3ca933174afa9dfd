"""Filling short gaps."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from poseway_tracker.smoothing import gap_filling

_NEVER = -1000.0


def _fill(
    times: list[int],
    seen: list[int],
    limit: int,
    last: tuple[float, float] = (_NEVER, 0.0),
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Fills one keypoint at x = 10 * time, y = -x, where it is detected; returns x."""
    shape = (len(times), 18)
    places = np.full((*shape, 2), -7777.0)
    places[:, 4, 0] = 10 * np.array(times)
    places[:, 4, 1] = -places[:, 4, 0]
    was_seen = np.zeros(shape, bool)
    was_seen[:, 4] = np.array(seen, bool)
    places[~was_seen] = 0.0
    last_times, last_places = np.full(18, _NEVER), np.zeros((18, 2))
    last_times[4], last_places[4] = last[0], (last[1], -last[1])
    limits = np.full(len(times), limit + 1.4)  # a frame a second
    result = gap_filling.fill(
        np.array(times, np.float64), places, was_seen, last_times, last_places, limits
    )
    assert not np.delete(result.filled, 4, axis=1).any()
    np.testing.assert_array_equal(result.places[:, 4, 1], -result.places[:, 4, 0])
    return result.places[:, 4, 0], result.filled[:, 4]


def test_gap_is_filled_linearly() -> None:
    x, filled = _fill([0, 1, 2, 3, 4], [1, 0, 0, 0, 1], limit=3)
    np.testing.assert_allclose(x, [0, 10, 20, 30, 40])
    assert filled.tolist() == [False, True, True, True, False]


def test_long_gap_is_not_filled() -> None:
    x, filled = _fill([0, 1, 2, 3, 4], [1, 0, 0, 0, 1], limit=2)
    np.testing.assert_array_equal(x, [0, 0, 0, 0, 40])
    assert not filled.any()


def test_frames_without_the_track_count_towards_the_gap() -> None:
    x, _ = _fill([0, 3, 4], [1, 0, 1], limit=3)
    np.testing.assert_allclose(x, [0, 30, 40])
    assert not _fill([0, 3, 4], [1, 0, 1], limit=2)[1].any()


def test_open_gaps_are_not_filled() -> None:
    assert not _fill([0, 1, 2], [0, 1, 0], limit=5)[1].any()


def test_gap_is_filled_from_the_previous_segment() -> None:
    x, filled = _fill([0, 1, 2], [0, 0, 1], limit=4, last=(-2, -20.0))
    np.testing.assert_allclose(x, [0, 10, 20])
    assert filled.tolist() == [True, True, False]
    assert not _fill([0, 1, 2], [0, 0, 1], limit=2, last=(-2, -20.0))[1].any()


@given(st.lists(st.sampled_from([None, 0, 1]), min_size=1, max_size=40), st.integers(1, 6))
def test_exactly_the_short_gaps_are_filled(frames: list[int | None], limit: int) -> None:
    times = [time for time, seen in enumerate(frames) if seen is not None]
    sightings = [time for time, seen in enumerate(frames) if seen == 1]
    pairs = pairwise(sightings)
    inside = {t for a, b in pairs if b - a - 1 <= limit for t in range(a + 1, b)}
    if not times:
        return
    x, filled = _fill(times, [frames[time] or 0 for time in times], limit)
    assert filled.tolist() == [time in inside for time in times]
    np.testing.assert_allclose(x[filled], 10 * np.array(times)[filled])
