"""The clock of the tracker."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseway_tracker.trackers.clock import Clock, ClockState, FrameTime, even

_RATES = (0.1, 1, 10, 12.5, 15, 24, 25, 30, 50, 60, 120, 240)


def _frame_times(times: list[float]) -> list[FrameTime]:
    return list(Clock().frame_times(times, [False] * len(times)))


@pytest.mark.parametrize("rate", _RATES)
def test_even_times_are_passed_on_exactly(rate: float) -> None:
    times = [5 + index / rate for index in range(100)]
    frame_times = _frame_times(times)
    np.testing.assert_allclose([frame_time.time for frame_time in frame_times], times, atol=1e-9)
    np.testing.assert_allclose(
        [frame_time.interval for frame_time in frame_times], 1 / rate, rtol=1e-9
    )


@pytest.mark.parametrize("rate", [rate for rate in _RATES if rate <= 60])
def test_jitter_is_evened_out(rate: float) -> None:
    wander = np.random.default_rng(3).uniform(-0.006, 0.006, 300)
    true = np.arange(300) / rate
    frame_times = _frame_times((true + wander).tolist())
    off = np.array([frame_time.time for frame_time in frame_times]) - true
    assert np.abs(off).max() < 0.007
    assert np.abs(np.diff(off)).max() < 0.0025
    intervals = np.array([frame_time.interval for frame_time in frame_times])
    np.testing.assert_allclose(intervals, 1 / rate, rtol=0.1)


def test_rounding_to_milliseconds_is_evened_out() -> None:
    times = [round(index / 30, 3) for index in range(90)]
    steps = np.diff([frame_time.time for frame_time in _frame_times(times)])
    np.testing.assert_allclose(steps, 1 / 30, atol=2e-4)


@pytest.mark.parametrize("gap", [2, 3, 30, 108_000])
def test_dropped_frames_and_gaps_keep_their_duration(gap: int) -> None:
    indices = [*range(50), *range(49 + gap, 99 + gap)]
    frame_times = _frame_times([index / 30 for index in indices])
    times = [frame_time.time for frame_time in frame_times]
    np.testing.assert_allclose(times, np.array(indices) / 30, atol=1e-6)
    np.testing.assert_allclose(
        [frame_time.interval for frame_time in frame_times], 1 / 30, rtol=1e-6
    )


def test_new_frame_rate_is_followed() -> None:
    times = np.cumsum([1 / 30] * 60 + [1 / 10] * 40 + [1 / 60] * 120).tolist()
    frame_times = _frame_times(times)
    assert np.abs(np.array([frame_time.time for frame_time in frame_times]) - times).max() < 0.05
    assert frame_times[55].interval == pytest.approx(1 / 30, rel=0.01)
    assert frame_times[95].interval == pytest.approx(1 / 10, rel=0.01)
    assert frame_times[-1].interval == pytest.approx(1 / 60, rel=0.01)


@pytest.mark.parametrize("burst", [2, 3, 5])
def test_bursts_have_their_average_interval(burst: int) -> None:
    times = [burst * (index // burst) / 30 + index % burst / 1000 for index in range(90)]
    intervals = [frame_time.interval for frame_time in _frame_times(times)]
    np.testing.assert_allclose(intervals[:60], 1 / 30, rtol=0.35)


def test_slow_start_does_not_use_later_intervals() -> None:
    times = [*(5.0 * index for index in range(6)), *(25 + index / 30 for index in range(1, 60))]
    frame_times = _frame_times(times)
    assert all(2.5 < frame_time.interval <= 5.0 for frame_time in frame_times[:5])
    assert frame_times[-1].interval == pytest.approx(1 / 30)


def test_cuts_are_passed_on() -> None:
    frame_times = Clock().frame_times([0.0, 0.04, 0.08], [False, True, False])
    assert [frame_time.cut for frame_time in frame_times] == [False, True, False]


_times = st.lists(st.floats(-10, 1e4), max_size=60)


@settings(max_examples=60)
@given(_times, st.integers(0, 60))
def test_time_always_advances_and_restored_clock_continues_bit_for_bit(
    times: list[float], place: int
) -> None:
    clock, uninterrupted = Clock(), Clock()
    frame_times: list[FrameTime] = []
    for part in (times[:place], times[place:]):
        frame_times += clock.frame_times(part, [False] * len(part))
        expected = list(uninterrupted.frame_times(part, [False] * len(part)))
        assert frame_times[len(frame_times) - len(part) :] == expected
        state = clock.dump()
        if state is not None:
            text = state.model_dump_json()
            clock = Clock.load(ClockState.model_validate_json(text))
            assert json.loads(text)["measured"] == part[-1] if part else True
    assert all(after.time > before.time for before, after in pairwise(frame_times))
    assert all(frame_time.interval > 0 for frame_time in frame_times)


@pytest.mark.parametrize("rate", [15, 20, 24, 25, 30, 50, 60, 120])
@pytest.mark.parametrize("limit", [0.1, 0.2, 0.3, 1.0])
def test_durations_are_rounded_to_frames(rate: int, limit: float) -> None:
    frame_time = even(1, rate)[0]
    frames = limit * rate
    most = max(n for n in range(500) if frame_time.within(n / rate, limit))
    least = min(n for n in range(500) if frame_time.reached(n / rate, limit))
    assert most == least
    assert abs(most - frames) <= 0.6
    # A few per cent of error in the times change neither.
    for off in (-0.05, 0.05):
        assert frame_time.within((most + off) / rate, limit)
        assert not frame_time.within((most + 1 + off) / rate, limit)
