"""The tracker of people."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseway.errors import InvalidRequestError
from services.tracker.poses import PoseTracker, pose_boxes
from services.tracker.settings import TrackerSettings
from tests.tracker.people import Poses, frame, person, street

_SETTINGS = TrackerSettings.model_construct()
FRAME_RATE = 30


def tracker() -> PoseTracker:
    max_age = round(_SETTINGS.track_max_age_seconds * FRAME_RATE)
    return PoseTracker(max_age, _SETTINGS.track_iou_threshold)


def run(poses: PoseTracker, frames: list[Poses], first: int = 0) -> list[list[int]]:
    return [poses.update(first + index, people).tolist() for index, people in enumerate(frames)]


def test_a_box_is_what_was_seen_and_a_margin() -> None:
    pose = np.zeros((18, 3))
    pose[3] = (100, 200, 0.1)
    pose[4] = (130, 300, 0.9)
    pose[5] = (0, 1000, 0)
    assert pose_boxes(frame(pose)).tolist() == [[85, 185, 145, 315]]


def test_the_box_of_a_single_keypoint_has_an_area() -> None:
    pose = np.zeros((18, 3))
    pose[0] = (50, 60, 1)
    assert pose_boxes(frame(pose)).tolist() == [[46, 56, 54, 64]]


def test_everybody_has_an_id_in_the_first_frame() -> None:
    assert run(tracker(), [frame(person(100), person(400)), frame(person(100), person(700))]) == [
        [1, 2],
        [1, 3],
    ]


def test_people_who_cross_keep_their_ids() -> None:
    frames = [frame(person(10.0 * step), person(606 - 10.0 * step)) for step in range(61)]
    assert run(tracker(), frames) == [[1, 2]] * 61


@pytest.mark.parametrize("speed", [0.0, 3.0, 8.0])
def test_people_keep_their_ids_when_they_are_unseen_for_a_second(speed: float) -> None:
    walk = [frame(person(speed * step)) for step in range(60)]
    for index in range(20, 50):
        walk[index] = frame()
    ids = run(tracker(), walk)
    assert ids == [[1]] * 20 + [[]] * 30 + [[1]] * 10


def test_somebody_who_loses_the_legs_keeps_the_id() -> None:
    whole, half = person(100), person(102)
    half[[9, 10, 12, 13]] = 0
    assert run(tracker(), [frame(whole), frame(half), frame(whole)]) == [[1]] * 3


def test_a_thin_pose_that_moves_keeps_its_id() -> None:
    def from_the_side(x: float) -> Poses:
        pose = person(x)
        pose[:, 0] = x
        return frame(pose)

    assert run(tracker(), [from_the_side(10.0 * step) for step in range(10)]) == [[1]] * 10


@pytest.mark.parametrize("index", [0, 4, 5, 7, -1])
def test_frames_out_of_order_are_refused(index: int) -> None:
    poses = tracker()
    run(poses, [frame(person(100))], first=5)
    saved = poses.save()
    with pytest.raises(InvalidRequestError, match=f"Frame {index}"):
        poses.update(index, frame(person(100)))
    assert poses.save() == saved
    assert poses.update(6, frame(person(100))).tolist() == [1]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_numbers_that_are_not_finite_are_refused(value: float, column: int) -> None:
    pose = person(100)
    pose[7, column] = value
    poses = tracker()
    saved = poses.save()
    with pytest.raises(InvalidRequestError, match=r"Frame 0: .* not finite"):
        poses.update(0, frame(pose))
    assert poses.save() == saved


def test_a_pose_without_keypoints_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no keypoint"):
        tracker().update(0, np.zeros((1, 18, 3)))


def test_a_pose_of_another_skeleton_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="shape"):
        tracker().update(0, np.ones((1, 17, 3)))


_number = st.floats(-1e5, 1e5, width=32)
_keypoint = st.tuples(_number, _number, st.floats(0.125, 1, width=32)) | st.just((0.0, 0.0, 0.0))
_pose = st.lists(_keypoint, min_size=18, max_size=18).filter(lambda pose: any(k[2] for k in pose))
_people = st.lists(_pose | st.sampled_from([person(x).tolist() for x in (0, 20, 300)]), max_size=4)


@given(st.lists(_people, max_size=8), st.integers(0, 8))
def test_everybody_has_an_id_of_their_own_across_segments(
    frames: list[list[list[tuple[float, float, float]]]], split: int
) -> None:
    poses = tracker()
    seen: set[int] = set()
    for index, people in enumerate(frames):
        if index == split:
            poses = PoseTracker.resume(poses.save())
        ids = poses.update(index, np.array(people, np.float64).reshape(-1, 18, 3)).tolist()
        assert len(ids) == len(set(ids)) == len(people)
        assert min(ids, default=1) >= 1
        assert set(ids) - seen == set(range(len(seen) + 1, len(seen | set(ids)) + 1))
        seen |= set(ids)


def test_a_tracker_that_goes_on_gives_what_it_would_have_given() -> None:
    frames = street(80)
    whole = tracker()
    expected = run(whole, frames)
    assert max(max(ids, default=0) for ids in expected) >= 3
    for split in range(len(frames) + 1):
        first = tracker()
        ids = run(first, frames[:split])
        second = PoseTracker.resume(first.save())
        assert ids + run(second, frames[split:], first=split) == expected
        assert second.save() == whole.save()


def test_a_tracker_that_goes_on_knows_which_frame_comes_next() -> None:
    first = tracker()
    run(first, street(10))
    with pytest.raises(InvalidRequestError, match="Frame 11 came after frame 9"):
        PoseTracker.resume(first.save()).update(11, frame())


def test_a_tracker_that_goes_on_keeps_its_settings() -> None:
    first = PoseTracker(max_age=2, iou_threshold=0.9)
    run(first, [frame(person(100))])
    second = PoseTracker.resume(first.save())
    assert run(second, [frame(), frame(), frame(), frame(person(100))], first=1)[-1] == [2]
