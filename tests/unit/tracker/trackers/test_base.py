"""Detections, and properties of every tracker."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseway.errors import InvalidRequestError
from poseway_tracker import state
from poseway_tracker.trackers.base import Detections, Tracker, pose_boxes
from poseway_tracker.trackers.clock import Clock, even
from poseway_tracker.trackers.pose_tracker import PoseTracker
from poseway_tracker.trackers.sort import Sort
from tests.support.tracked_people import cut, found, frame, person

_MAX_AGE = 3
_RATE = 20.0

Begin = Callable[[], Tracker]


def people_tracker() -> Tracker:
    return PoseTracker(_MAX_AGE / _RATE)


def sort() -> Tracker:
    return Sort(_MAX_AGE / _RATE, min_hits=0, iou_threshold=0.2)


both = pytest.mark.parametrize("begin", [people_tracker, sort])


def test_box_surrounds_detected_keypoints_with_a_margin() -> None:
    pose = np.zeros((18, 3))
    pose[3] = (100, 200, 0.1)
    pose[4] = (130, 300, 0.9)
    pose[5] = (0, 1000, 0)
    assert pose_boxes(frame(pose)).tolist() == [[85, 185, 145, 315]]


def test_box_of_a_single_keypoint_has_an_area() -> None:
    pose = np.zeros((18, 3))
    pose[0] = (50, 60, 1)
    assert pose_boxes(frame(pose)).tolist() == [[46, 56, 54, 64]]


def test_no_people_give_no_boxes() -> None:
    nobody = found(frame())
    nobody.check()
    assert nobody.boxes.shape == (0, 4)


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5], [0.5, np.nan], [np.inf, 0.5]])
def test_every_box_must_have_a_score(scores: list[float]) -> None:
    detections = found(frame(person(0), person(300)))._replace(scores=np.array(scores))
    with pytest.raises(InvalidRequestError, match="score"):
        detections.check()


@pytest.mark.parametrize("shape", [(1, 17, 3), (1, 18, 2), (18, 3)])
def test_pose_of_another_skeleton_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidRequestError, match="shape"):
        pose_boxes(np.ones(shape))


_place = st.integers(0, 12).map(lambda step: 30.0 * step)
_score = st.sampled_from([0.05, 0.14, 0.3, 0.9])
_somebody = st.tuples(_place, st.sampled_from([90.0, 200.0]), st.integers(0, 17), _score)


@st.composite
def _frame(draw: st.DrawFn) -> Detections:
    """People in a narrow street, often close together, some with hidden keypoints."""
    people = draw(st.lists(_somebody, max_size=4))
    poses = [person(x, height=height) for x, height, _, _ in people]
    for pose, (_, _, hidden, _) in zip(poses, people, strict=True):
        pose[:hidden] = 0
    detections = Detections.of_poses(frame(*poses), np.array([p[3] for p in people], np.float64))
    return detections if draw(st.booleans()) else detections._replace(boxes=_jolted(detections))


def _jolted(detections: Detections) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return detections.boxes + np.linspace(0, 40, len(detections.boxes))[:, None]


_frames = st.lists(_frame(), max_size=14)
_cuts = st.lists(st.integers(0, 14), max_size=3)


@both
@settings(max_examples=30, deadline=None)
@given(_frames, _cuts, st.booleans())
def test_ids_are_unique_per_frame_and_consecutive(
    begin: Begin, frames: list[Detections], cuts: list[int], poses: bool
) -> None:
    if not poses:
        frames = [Detections(frame.boxes, frame.scores) for frame in frames]
    tracker = begin()
    last: dict[int, int] = {}
    index = 0
    for segment in cut(frames, cuts):
        known = len(last)
        found = tracker.segment(segment, even(len(segment), _RATE, index))
        for tracked, detections in zip(found, segment, strict=True):
            assert tracked.ids.shape == tracked.boxes.shape[:1] == detections.scores.shape
            assert tracked.ids.dtype == np.int64
            assert np.isfinite(tracked.boxes).all()
            given_ids = tracked.ids[tracked.ids != 0].tolist()
            assert len(given_ids) == len(set(given_ids))
            for id_ in given_ids:
                assert id_ > known or id_ in last
                assert index - last.get(id_, index) <= _MAX_AGE + 1
                last[id_] = index
            index += 1
        assert set(last) == set(range(1, len(last) + 1))
    assert isinstance(tracker, (PoseTracker, Sort))
    assert tracker.next_id == len(last) + 1


def _dumped(tracker: Tracker) -> bytes:
    return state.dump(state.Saved(tracker, None, Clock(), None))


_BAD = [[np.nan, 0, 1, 1], [0, 0, 1, np.inf], [-np.inf, 0, 1, 1], [9, 0, 0, 9], [0, 0, 2e6, 1]]


@both
@settings(max_examples=20, deadline=None)
@given(_frames, _frames, st.sampled_from(_BAD), st.integers(0, 14))
def test_refused_segment_does_not_change_the_tracker(
    begin: Begin, before: list[Detections], frames: list[Detections], bad: list[float], place: int
) -> None:
    tracker = begin()
    tracker.segment(before, even(len(before), _RATE))
    saved = _dumped(tracker)
    frames.insert(place, Detections(np.array([bad]), np.ones(1)))
    with pytest.raises(InvalidRequestError):
        tracker.segment(frames, even(len(frames), _RATE, len(before)))
    assert _dumped(tracker) == saved


@both
def test_empty_frames_and_segments_are_allowed(begin: Begin) -> None:
    tracker = begin()
    assert tracker.segment([], []) == []
    tracked = tracker.segment([found(frame())] * 9, even(9, _RATE))
    assert [one.ids.tolist() for one in tracked] == [[]] * 9
