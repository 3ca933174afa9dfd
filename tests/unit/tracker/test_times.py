"""The same scene gives the same tracks, whatever the times of its frames."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from poseway_tracker.session import Frame, Identified, VideoTracker
from poseway_tracker.smoothing.smoother import Smoother, Strength
from poseway_tracker.trackers.pose_tracker import PoseTracker
from poseway_tracker.trackers.sort import Sort
from tests.support.tracked_people import frame, person

_SECONDS = 6.0
# Two people who cross while one is hidden, one who stands, one who comes late: start, speed in
# pixels per second, and the seconds during which each is away.
_WALKS = ((0.0, 150.0), (700.0, -100.0), (1000.0, 0.0), (1300.0, 60.0))
_AWAY = ((2.0, 2.5), (4.0, 4.6), (1.0, 1.5), (0.0, 3.0))


def _scene(times: Sequence[float]) -> list[NDArray[np.float64]]:
    """Returns the people detected at these times of the scene, float64 (n, 18, 3) each."""
    result = []
    for time in times:
        people = []
        for number, ((start, speed), (gone, back)) in enumerate(zip(_WALKS, _AWAY, strict=True)):
            if gone <= time < back:
                continue
            pose = person(start + speed * time, 100.0 + 30 * number, 200.0 + 20 * number)
            # Like a network's output: off by about a pixel, differently in every frame.
            random = np.random.default_rng((number, round(time * 1e4)))
            pose[:, :2] += random.normal(0.0, 1.0, (18, 2))
            # In every half second, a wrist is hidden for 0.07 s and an ankle for 0.2 s.
            pose[4] *= not time % 0.5 < 0.07
            pose[10] *= not time % 0.7 < 0.2
            people.append(pose)
        result.append(frame(*people))
    return result


def _tracked(
    pictures: Sequence[NDArray[np.float64]],
    times: Sequence[float],
    cuts: Sequence[int] = (),
    *,
    sort: bool = False,
) -> list[Identified]:
    tracker = Sort(1.0, 0, 0.2) if sort else PoseTracker(1.0)
    video = VideoTracker(tracker, Smoother(Strength.LIGHT))
    frames = [
        Frame(index, people, np.full(len(people), 0.5), time, index in cuts)
        for index, (people, time) in enumerate(zip(pictures, times, strict=True))
    ]
    return video.segment(frames)


def _even(rate: float, seconds: float = _SECONDS) -> NDArray[np.float64]:
    return np.arange(round(seconds * rate)) / rate


def _assert_same(one: list[Identified], other: list[Identified]) -> None:
    """Asserts the same ids in every frame, and the same filled gaps."""
    for first, second in zip(one, other, strict=True):
        assert first.ids.tolist() == second.ids.tolist()
        for id_, smoothed in first.smoothed.items():
            assert smoothed.filled.tolist() == second.smoothed[id_].filled.tolist()


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("rate", [24, 25, 30])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1 << 32), start=st.floats(0, 5000))
def test_jitter_of_times_changes_nothing(sort: bool, rate: int, seed: int, start: float) -> None:
    times = _even(rate)
    pictures = _scene(times.tolist())
    wander = np.random.default_rng(seed).uniform(-0.006, 0.006, len(times))
    expected = _tracked(pictures, times.tolist(), sort=sort)
    assert max(int(one.ids.max(initial=0)) for one in expected) == 4
    assert any(s.filled.any() for one in expected for s in one.smoothed.values())
    _assert_same(_tracked(pictures, (start + times + wander).tolist(), sort=sort), expected)


def _ids_over_time(found: list[Identified], times: list[float]) -> dict[float, tuple[int, ...]]:
    """Returns everyone's id at each tenth of a second, in the order of the walks."""
    return {
        round(time, 1): tuple(one.ids.tolist())
        for one, time in zip(found, times, strict=True)
        if abs(time * 10 - round(time * 10)) < 1e-6
    }


@pytest.mark.parametrize("rate", [10, 20, 30, 50, 60, 120, 240])
def test_tracks_do_not_depend_on_the_frame_rate(rate: int) -> None:
    few, many = _even(10).tolist(), _even(rate).tolist()
    expected = _ids_over_time(_tracked(_scene(few), few), few)
    found = _ids_over_time(_tracked(_scene(many), many), many)
    assert found == expected
    assert {id_ for ids in found.values() for id_ in ids} == {1, 2, 3, 4}


@pytest.mark.parametrize("most", [2, 3, 6])
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_ids_survive_dropped_frames(most: int, seed: int) -> None:
    # One of up to six frames is left, and all times jitter.
    random = np.random.default_rng(seed)
    times = _even(30)
    left = np.cumsum([0, *random.integers(1, most + 1, len(times))])
    left = left[left < len(times)]
    pictures = _scene(times.tolist())
    whole = _tracked(pictures, times.tolist())
    wandering = times + random.uniform(-0.006, 0.006, len(times))
    some = _tracked([pictures[index] for index in left], wandering[left].tolist())
    for index, one in zip(left.tolist(), some, strict=True):
        assert one.ids.tolist() == whole[index].ids.tolist()


@settings(max_examples=5, deadline=None)
@given(st.lists(st.sampled_from([10, 15, 24, 30, 50, 60]), min_size=6, max_size=6))
def test_ids_survive_a_changing_frame_rate(rates: list[int]) -> None:
    times = [second + n / rate for second, rate in enumerate(rates) for n in range(rate)]
    found = _tracked(_scene(times), times)
    few = _even(10).tolist()
    expected = _ids_over_time(_tracked(_scene(few), few), few)
    now = _ids_over_time(found, times)
    assert now == {time: expected[time] for time in now}


@pytest.mark.parametrize("sort", [False, True])
@pytest.mark.parametrize("gap", [1.5, 3600.0])
def test_long_gap_in_time_ends_tracks(sort: bool, gap: float) -> None:
    times = _even(30, 2.0)
    pictures = [frame(person(100), person(400))] * len(times)
    later = times + np.where(np.arange(len(times)) >= 30, gap, 0.0)
    found = [one.ids.tolist() for one in _tracked(pictures, later.tolist(), sort=sort)]
    assert found == [[1, 2]] * 30 + [[3, 4]] * 30


def test_short_gap_in_time_does_not_end_tracks() -> None:
    times = _even(30, 2.0)
    pictures = [frame(person(100), person(400))] * len(times)
    later = times + np.where(np.arange(len(times)) >= 30, 0.8, 0.0)
    assert [one.ids.tolist() for one in _tracked(pictures, later.tolist())] == [[1, 2]] * 60


@pytest.mark.parametrize("sort", [False, True])
def test_one_frame_every_ten_seconds_can_be_tracked(sort: bool) -> None:
    times = (10 * np.arange(12)).tolist()
    found = _tracked([frame(person(100))] * 12, times, sort=sort)
    assert [one.ids.tolist() for one in found] == [[1]] * 12


@pytest.mark.parametrize("sort", [False, True])
def test_cut_ends_tracks_and_smoothing(sort: bool) -> None:
    times = _even(30, 2.0)
    trembling = np.random.default_rng(0).normal(0, 4, (len(times), 18, 2))
    pictures = []
    for tremble in trembling:
        pose = person(100)
        pose[:, :2] += tremble
        pictures.append(frame(pose))
    found = _tracked(pictures, times.tolist(), cuts=[40], sort=sort)
    assert [one.ids.tolist() for one in found] == [[1]] * 40 + [[2]] * 20
    # The first frame of a track is returned as measured.
    np.testing.assert_array_equal(found[40].smoothed[2].keypoints, pictures[40][0])
    assert (found[39].smoothed[1].keypoints != pictures[39][0]).any()


def test_gaps_are_not_filled_across_a_cut() -> None:
    times = _even(30, 1.0)
    pictures = [frame(person(100)) for _ in times]
    for picture in pictures[13:16]:
        picture[0, 4] = 0.0
    found = _tracked(pictures, times.tolist(), cuts=[15])
    assert not any(smoothed.filled[4] for one in found for smoothed in one.smoothed.values())
