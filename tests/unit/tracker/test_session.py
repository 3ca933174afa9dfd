"""The people of one video, segment by segment."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseway.errors import InvalidRequestError
from poseway_tracker.session import Frame, Identified, VideoTracker
from poseway_tracker.smoothing.smoother import Smoother, Strength
from poseway_tracker.trackers.base import Tracker
from poseway_tracker.trackers.pose_tracker import PoseTracker
from poseway_tracker.trackers.sort import Sort
from tests.support.tracked_people import Poses, cut, frame, person, street

FRAME_RATE = 30.0

Begin = Callable[[], Tracker]


def people_tracker() -> Tracker:
    return PoseTracker(1.0)


def sort() -> Tracker:
    return Sort(1.0, min_hits=0, iou_threshold=0.2)


both = pytest.mark.parametrize("begin", [people_tracker, sort])


def video(begin: Begin = people_tracker, strength: Strength | None = None) -> VideoTracker:
    return VideoTracker(begin(), None if strength is None else Smoother(strength))


def resumed(saved: VideoTracker) -> VideoTracker:
    # Rate and time are used only by states of older versions.
    return VideoTracker.resume(saved.save(), 1.0, 0.0)


def frames_of(poses: Sequence[Poses], first: int = 0) -> list[Frame]:
    return [
        Frame(index, people, np.full(len(people), 0.5), index / FRAME_RATE)
        for index, people in enumerate(poses, first)
    ]


def run(tracker: VideoTracker, poses: Sequence[Poses], first: int = 0) -> list[list[int]]:
    return [one.ids.tolist() for one in tracker.segment(frames_of(poses, first))]


def assert_same(first: Sequence[Identified], second: Sequence[Identified]) -> None:
    """Asserts equality bit for bit."""
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.ids, other.ids)
        assert list(one.smoothed) == list(other.smoothed)
        for id_, (keypoints, filled) in one.smoothed.items():
            assert keypoints.tobytes() == other.smoothed[id_].keypoints.tobytes()
            assert np.array_equal(filled, other.smoothed[id_].filled)


@both
def test_people_who_stay_have_ids_from_the_first_frame(begin: Begin) -> None:
    assert run(video(begin), [frame(person(100), person(400))] * 5) == [[1, 2]] * 5


@both
def test_people_who_cross_keep_their_ids(begin: Begin) -> None:
    frames = [frame(person(10.0 * step), person(606 - 10.0 * step)) for step in range(61)]
    assert run(video(begin), frames) == [[1, 2]] * 61


@both
@pytest.mark.parametrize("speed", [0.0, 3.0, 8.0])
def test_ids_survive_a_second_without_detection(begin: Begin, speed: float) -> None:
    walk = [frame(person(speed * step)) for step in range(60)]
    walk[20:50] = [frame()] * 30
    assert run(video(begin), walk) == [[1]] * 20 + [[]] * 30 + [[1]] * 10


@both
def test_thin_moving_pose_keeps_its_id(begin: Begin) -> None:
    poses = [person(10.0 * step) for step in range(10)]
    for step, pose in enumerate(poses):
        pose[:, 0] = 10.0 * step
    assert run(video(begin), [frame(pose) for pose in poses]) == [[1]] * 10


@pytest.mark.parametrize("index", [0, 4, 5, 7, -1])
def test_frames_out_of_order_are_refused(index: int) -> None:
    tracker = video(strength=Strength.LIGHT)
    run(tracker, [frame(person(100))], first=5)
    saved = tracker.save()
    with pytest.raises(InvalidRequestError, match=f"Frame {index}"):
        run(tracker, [frame(person(100))], first=index)
    assert tracker.save() == saved
    assert run(tracker, [frame(person(100))], first=6) == [[1]]


@both
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_segment_with_a_number_that_is_not_finite_changes_nothing(
    begin: Begin, value: float, column: int
) -> None:
    bad = person(100)
    bad[7, column] = value
    tracker = video(begin, Strength.LIGHT)
    saved = tracker.save()
    with pytest.raises(InvalidRequestError, match=r"Frame 1: .* not finite"):
        run(tracker, [frame(person(100)), frame(bad)])
    assert tracker.save() == saved


def test_score_that_is_not_finite_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"Frame 3: .*score"):
        video().segment([Frame(3, frame(person(100)), np.array([np.nan]), 0.1)])


def test_pose_without_keypoints_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"Frame 0: .*no keypoint"):
        run(video(), [np.zeros((1, 18, 3))])


@both
def test_concurrent_videos_share_nothing(begin: Begin) -> None:
    jobs = [list(cut(frames_of(street(60, seed)), range(10, 60, 10))) for seed in range(2)]
    alone = []
    for job in jobs:
        tracker = video(begin, Strength.STRONG)
        alone.append([one for segment in job for one in tracker.segment(segment)])
    trackers = [video(begin, Strength.STRONG) for _ in jobs]
    together: list[list[Identified]] = [[], []]
    for segments in zip(*jobs, strict=True):
        for mine, tracker, segment in zip(together, trackers, segments, strict=True):
            mine += tracker.segment(segment)
    for found, expected in zip(together, alone, strict=True):
        assert_same(found, expected)
        assert min(id_ for one in found for id_ in one.ids.tolist() if id_) == 1


@both
@pytest.mark.parametrize("strength", [None, Strength.LIGHT, Strength.STRONG])
def test_resumed_video_continues_bit_for_bit(begin: Begin, strength: Strength | None) -> None:
    segments = list(cut(frames_of(street(90)), [15, 30, 45, 60, 75]))
    uninterrupted = video(begin, strength)
    expected = [one for segment in segments for one in uninterrupted.segment(segment)]
    assert max(int(one.ids.max(initial=0)) for one in expected) >= 3
    assert any(one.smoothed for one in expected) == (strength is not None)
    first = video(begin, strength)
    found = [one for segment in segments[:3] for one in first.segment(segment)]
    second = resumed(first)
    found += [one for segment in segments[3:] for one in second.segment(segment)]
    assert_same(found, expected)
    assert second.save() == uninterrupted.save()


@both
@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=4))
def test_saving_between_segments_changes_nothing(begin: Begin, cuts: list[int]) -> None:
    one, other = video(begin, Strength.LIGHT), video(begin, Strength.LIGHT)
    for segment in cut(frames_of(street(40)), cuts):
        other = resumed(other)
        assert_same(one.segment(segment), other.segment(segment))
        assert one.save() == other.save()


def test_segment_borders_do_not_affect_sort() -> None:
    poses = street(40)
    expected = run(video(sort), poses)
    for place in range(len(poses) + 1):
        tracker = video(sort)
        ids = run(tracker, poses[:place]) + run(tracker, poses[place:], first=place)
        assert ids == expected


def test_only_people_with_ids_are_smoothed() -> None:
    ghost = [frame(person(100), person(600))] + [frame(person(100))] * 5
    found = video(strength=Strength.LIGHT).segment(frames_of(ghost))
    assert [one.ids.tolist() for one in found] == [[1, 0]] + [[1]] * 5
    assert [list(one.smoothed) for one in found] == [[1]] * 6


def test_resumed_video_knows_the_next_frame() -> None:
    first = video()
    run(first, street(10))
    with pytest.raises(InvalidRequestError, match="Frame 11 came after frame 9"):
        run(resumed(first), [frame()], first=11)


def test_resumed_video_keeps_its_settings() -> None:
    first = VideoTracker(PoseTracker(2 / FRAME_RATE), None)
    run(first, [frame(person(100))] * 3)
    second = resumed(first)
    assert run(second, [frame(), frame(), frame(), frame(person(100))], first=3)[-1] == [2]
