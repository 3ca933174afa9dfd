"""Smoothing keypoints over time."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from poseway_tracker.smoothing.smoother import Smoothed, Smoother, SmootherState, Strength
from poseway_tracker.trackers.clock import FrameTime, even
from tests.support.tracked_people import person, street

Frames = list[dict[int, NDArray[np.float64]]]

_RATE = 30.0
_GAPS = {Strength.LIGHT: 3, Strength.STRONG: 9}
_each_strength = pytest.mark.parametrize("strength", list(Strength))


def _smooth(strength: Strength, frames: Frames, rate: float = _RATE) -> list[dict[int, Smoothed]]:
    return Smoother(strength).segment(frames, even(len(frames), rate))


def _still(frames: int, sigma: float = 0.0, height: float = 400.0) -> Frames:
    """A person who stands still, with noise of sigma body heights."""
    noise = np.random.default_rng(1).normal(0, sigma * height, (frames, 18, 2))
    pose = person(500.0, 300.0, height)
    pose[:, 2] = 0.7
    result = []
    for moved in noise:
        trembling = pose.copy()
        trembling[:, :2] += moved
        result.append({1: trembling})
    return result


def _arm_swing(frames: int, frequency: float = 2.0) -> Frames:
    """A person whose right arm swings about the shoulder, 45 degrees to each side."""
    result = _still(frames)
    for index, people in enumerate(result):
        angle = np.pi / 4 * np.sin(2 * np.pi * frequency * index / _RATE)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        arm = people[1][3:5, :2] - people[1][2, :2]
        people[1][3:5, :2] = people[1][2, :2] + arm @ turn.T
    return result


def _street(frames: int, seed: int = 0) -> Frames:
    """Three people by id who come and go, with noise, missing keypoints and wrong ones."""
    random = np.random.default_rng(seed)
    result: Frames = []
    for poses in street(frames, seed):
        ids = sorted(random.choice(4, len(poses), replace=False).tolist())
        people = dict(zip(ids, poses, strict=True))
        for pose in people.values():
            pose[:, 2] *= random.random(18)
            pose[random.integers(18), :2] += random.choice([0.0, 400.0])
        result.append(people)
    return result


def _array(smoothed: list[dict[int, Smoothed]], track_id: int = 1) -> NDArray[np.float64]:
    return np.array([frame[track_id].keypoints for frame in smoothed])


def _raw(frames: Frames) -> NDArray[np.float64]:
    return np.array([frame[1] for frame in frames])


def _jitter(poses: NDArray[np.float64]) -> float:
    return float(np.sqrt((np.diff(poses[10:, :, :2], 2, axis=0) ** 2).mean()))


def _lag(truth: NDArray[np.float64], got: NDArray[np.float64]) -> float:
    """Returns the delay in frames that brings one curve closest to another."""
    times = np.arange(len(truth))
    shifts = np.arange(-1.0, 3.0, 0.02)
    errors = [np.square(np.interp(times - s, times, truth) - got)[5:-5].sum() for s in shifts]
    return float(shifts[np.argmin(errors)])


def _assert_same(first: list[dict[int, Smoothed]], second: list[dict[int, Smoothed]]) -> None:
    for one, other in zip(first, second, strict=True):
        assert list(one) == list(other)
        for track_id, smoothed in one.items():
            np.testing.assert_array_equal(smoothed.keypoints, other[track_id].keypoints)
            np.testing.assert_array_equal(smoothed.filled, other[track_id].filled)


@pytest.mark.parametrize(
    ("strength", "left", "frames"), [(Strength.LIGHT, 0.5, 0.2), (Strength.STRONG, 0.25, 0.4)]
)
def test_jitter_is_removed_and_motion_kept(strength: Strength, left: float, frames: float) -> None:
    still = _still(200, sigma=0.003)
    assert _jitter(_array(_smooth(strength, still))) < left * _jitter(_raw(still))
    swing = _arm_swing(200)
    truth, got = _raw(swing)[:, 4, 0], _array(_smooth(strength, swing))[:, 4, 0]
    assert 0 < _lag(truth, got) < frames
    assert np.ptp(got) == pytest.approx(np.ptp(truth), rel=0.05)


@_each_strength
def test_result_scales_with_resolution(strength: Strength) -> None:
    small = _smooth(strength, _still(40, 0.01, height=100.0))
    large = _smooth(strength, _still(40, 0.01, height=800.0))
    offset = np.array([500.0, 300.0])
    np.testing.assert_allclose(
        8 * (_array(small)[..., :2] - offset), _array(large)[..., :2] - offset, atol=1e-6
    )


def test_wrist_of_another_person_is_dropped_and_filled() -> None:
    frames = _still(9)
    frames[4][1][4, :2] += 300.0
    smoothed = _smooth(Strength.LIGHT, frames)
    assert smoothed[4][1].filled.nonzero()[0].tolist() == [4]
    assert smoothed[4][1].keypoints[4, 2] == 0
    np.testing.assert_allclose(smoothed[4][1].keypoints[:, :2], frames[0][1][:, :2])
    assert not any(smoothed[index][1].filled.any() for index in range(9) if index != 4)


def test_one_wrong_height_does_not_admit_wrong_limbs() -> None:
    frames = _still(10)
    frames[8][1][9:] = 0.0
    frames[9][1][:, 2] = 0.0
    frames[9][1][[1, 2, 3, 4], 2] = 0.7  # too few limbs for a height, one of them wrong
    frames[9][1][4, 1] += 300.0
    smoothed = _smooth(Strength.LIGHT, frames)
    assert (smoothed[9][1].keypoints[:, 2] > 0).nonzero()[0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_sudden_zoom_drops_nothing(factor: float) -> None:
    frames = _still(10) + _still(20, height=400.0 * factor)
    assert (_array(_smooth(Strength.LIGHT, frames))[..., 2] > 0).all()


@_each_strength
def test_gaps_up_to_the_limit_are_filled_without_a_jump(strength: Strength) -> None:
    swing = _arm_swing(60, frequency=0.5)
    limit = _GAPS[strength]
    for index in range(20, 20 + limit):
        swing[index][1][4] = 0.0
    smoothed = _smooth(strength, swing)
    places = _array(smoothed)[:, 4, :2]
    assert [i for i in range(60) if smoothed[i][1].filled[4]] == list(range(20, 20 + limit))
    inside = np.diff(places[19 : 21 + limit], axis=0)
    np.testing.assert_allclose(inside, np.broadcast_to(inside[0], inside.shape), atol=1e-9)
    assert (_array(smoothed)[20 : 20 + limit, 4, 2] == 0).all()


@_each_strength
def test_filter_starts_anew_after_a_long_gap(strength: Strength) -> None:
    frames = _still(40, sigma=0.01)
    stop = 10 + _GAPS[strength] + 1
    for frame in frames[10:stop]:
        frame[1][4] = 0.0
    smoothed = _smooth(strength, frames)
    assert not any(frame[1].filled.any() for frame in smoothed)
    np.testing.assert_array_equal(_array(smoothed)[10:stop, 4], 0.0)
    np.testing.assert_array_equal(smoothed[stop][1].keypoints, _with(smoothed, frames, stop))
    assert (smoothed[stop + 1][1].keypoints[4] != frames[stop + 1][1][4]).any()


def _with(smoothed: list[dict[int, Smoothed]], frames: Frames, index: int) -> NDArray[np.float64]:
    """Returns the filtered keypoints of a frame, but the wrist as measured."""
    expected = smoothed[index][1].keypoints.copy()
    expected[4] = frames[index][1][4]
    return expected


def test_low_scores_weigh_less() -> None:
    def after_a_jump(score: float) -> float:
        frames = _still(5)
        frames[4][1][4] += (0.0, 10.0, score - 0.7)
        got = _smooth(Strength.LIGHT, frames)
        return float(got[4][1].keypoints[4, 1] - got[3][1].keypoints[4, 1])

    assert 0 < after_a_jump(0.1) < 0.5 * after_a_jump(0.7) < 5


def test_input_is_not_modified() -> None:
    frames, before = _street(30), _street(30)
    smoothed = _smooth(Strength.STRONG, frames)
    for now, then, got in zip(frames, before, smoothed, strict=True):
        assert list(now) == list(got)
        for track_id, pose in now.items():
            np.testing.assert_array_equal(pose, then[track_id])
            scores = got[track_id].keypoints[:, 2]
            assert ((scores == pose[:, 2]) | (scores == 0)).all()
            assert not (got[track_id].filled & (scores > 0)).any()


@_each_strength
@given(cuts=st.lists(st.integers(0, 80), max_size=6), seed=st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_segment_borders_affect_only_open_gaps(
    strength: Strength, cuts: list[int], seed: int
) -> None:
    frames = _street(80, seed)
    whole, frame_times = _smooth(strength, frames, 10.0), even(80, 10.0)
    smoother, parts = Smoother(strength), []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 80], strict=True):
        parts += smoother.segment(frames[start:stop], frame_times[start:stop])
    near = {cut - back for cut in cuts for back in range(1, 4)}
    for index, (one, other) in enumerate(zip(whole, parts, strict=True)):
        for track_id, smoothed in one.items():
            cut = other[track_id]
            assert not (cut.filled & ~smoothed.filled).any()
            same = smoothed.filled == cut.filled
            assert index in near or same.all()
            np.testing.assert_array_equal(smoothed.keypoints[same], cut.keypoints[same])


@_each_strength
@pytest.mark.parametrize("length", [1, 7, 40])
def test_restored_smoother_continues_bit_for_bit(strength: Strength, length: int) -> None:
    frames = _street(80)
    going_on, saved = Smoother(strength), Smoother(strength)
    for start in range(0, 80, length):
        part, frame_times = frames[start : start + length], even(80, _RATE)[start : start + length]
        text = saved.dump().model_dump_json()
        saved = Smoother.load(SmootherState.model_validate_json(text))
        assert saved.dump().model_dump_json() == text
        _assert_same(going_on.segment(part, frame_times), saved.segment(part, frame_times))


def test_tracks_are_forgotten_after_a_while() -> None:
    smoother = Smoother(Strength.STRONG)
    smoother.segment([{1: person(100.0)}, {2: person(300.0)}], even(2, _RATE))
    smoother.segment([{}] * 148, even(148, _RATE, 2))
    assert [track.id for track in smoother.dump().tracks] == [1, 2]
    smoother.segment([{}], even(1, _RATE, 150))
    assert [track.id for track in smoother.dump().tracks] == [2]
    smoother.segment([{}], even(1, _RATE, 152))
    assert smoother.dump().tracks == []


def test_height_is_forgotten_within_a_segment_too() -> None:
    again: Mapping[int, NDArray[np.float64]] = {1: person(100.0, height=100.0)}
    smoother = Smoother(Strength.STRONG)
    smoother.segment([{1: person(100.0, height=800.0)}, *[{}] * 150, again], even(152, _RATE))
    other = Smoother(Strength.STRONG)
    other.segment([again], even(1, _RATE, 151))
    assert smoother.dump() == other.dump()


def _saved() -> dict[str, Any]:
    smoother = Smoother(Strength.LIGHT)
    smoother.segment([{1: person(100.0), 2: person(300.0)}], even(1, _RATE))
    saved: dict[str, Any] = json.loads(smoother.dump().model_dump_json())
    return saved


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 2),
        ("id", -1),
        ("height", -1.0),
        ("height", float("inf")),
        ("times", [1.0] * 17),
        ("times", [float("nan")] * 18),
        ("times", [-1e13] * 18),
        ("places", [[0.0, float("nan")]] * 18),
        ("speeds", [[1e19, 0.0]] * 18),
        ("speeds", [[0.0]] * 18),
        ("more", 1),
    ],
)
def test_invalid_state_is_refused(field: str, value: object) -> None:
    saved = _saved()
    SmootherState.model_validate_json(json.dumps(saved))
    saved["tracks"][0][field] = value
    with pytest.raises(ValidationError):
        SmootherState.model_validate_json(json.dumps(saved))


def test_invalid_smoother_is_refused() -> None:
    with pytest.raises(ValidationError):
        SmootherState.model_validate_json(json.dumps({**_saved(), "strength": "none"}))


@pytest.mark.parametrize("interval", [1e-9, 1e-5, 100.0, 1e6])
@pytest.mark.parametrize("place", [0.0, 1e6])
def test_extremes_stay_finite(interval: float, place: float) -> None:
    pose = person(place, -place, height=2e6)
    smoother = Smoother(Strength.STRONG)
    poses: list[dict[int, NDArray[np.float64]]] = [
        {1: pose},
        {1: pose * (-1.0, 1.0, 1.0)},
        {},
        {1: np.zeros((18, 3))},
    ]
    for index, people in enumerate(poses):
        (smoothed,) = smoother.segment([people], [FrameTime(index * interval, interval)])
        assert all(np.isfinite(one.keypoints).all() for one in smoothed.values())
        state = SmootherState.model_validate_json(smoother.dump().model_dump_json())
        smoother = Smoother.load(state)
    assert smoother.segment([], []) == []
