"""The default tracker."""

import numpy as np
import pytest

from poseway_tracker.trackers.base import Detections
from poseway_tracker.trackers.clock import FrameTime, even
from poseway_tracker.trackers.pose_tracker import PoseTracker
from poseway_tracker.trackers.thresholds import BOXES, POSES
from tests.support.tracked_people import cut, found, frame, person

NOBODY = found(frame())
FRAME_RATE = 30.0
SURE = 3
SHORT = 6
"""Frames in a tenth and in a fifth of a second."""


def tracker(max_age_seconds: float = 1.0) -> PoseTracker:
    return PoseTracker(max_age_seconds)


def following(people: PoseTracker, frames: int) -> list[FrameTime]:
    """Returns the times of the next frames."""
    first = 0 if people.time is None else round(people.time * FRAME_RATE) + 1
    return even(frames, FRAME_RATE, first)


def ids(people: PoseTracker, frames: list[Detections]) -> list[list[int]]:
    frame_times = following(people, len(frames))
    return [tracked.ids.tolist() for tracked in people.segment(frames, frame_times)]


def walk(start: float, speed: float, frames: int) -> list[Detections]:
    return [found(frame(person(start + speed * step))) for step in range(frames)]


def test_everyone_has_an_id_from_the_first_frame() -> None:
    assert ids(tracker(), [found(frame(person(100), person(400)))] * SURE) == [[1, 2]] * SURE


@pytest.mark.parametrize("cuts", [[], [1], [30], [31], [5, 29, 30, 60]])
def test_people_who_cross_keep_their_ids(cuts: list[int]) -> None:
    frames = [found(frame(person(10.0 * step), person(606 - 10.0 * step))) for step in range(61)]
    people = tracker()
    assert [row for part in cut(frames, cuts) for row in ids(people, list(part))] == [[1, 2]] * 61


@pytest.mark.parametrize("speed", [0.0, 3.0, 8.0])
@pytest.mark.parametrize("hidden", [15, 30])
def test_hidden_person_is_found_again(speed: float, hidden: int) -> None:
    frames = walk(0, speed, 30 + hidden)
    frames[20 : 20 + hidden] = [NOBODY] * hidden
    assert ids(tracker(), frames) == [[1]] * 20 + [[]] * hidden + [[1]] * 10


@pytest.mark.parametrize(("hidden", "expected"), [(14, 1), (15, 1), (16, 2)])
def test_person_hidden_for_too_long_gets_a_new_id(hidden: int, expected: int) -> None:
    frames = [*walk(100, 0, 10), *[NOBODY] * hidden, *walk(100, 0, 10)]
    assert ids(tracker(0.5), frames)[-10:] == [[expected]] * 10


def test_person_who_stays_keeps_the_id_without_memory() -> None:
    frames = [*walk(100, 2, 10), NOBODY, *walk(122, 2, 10)]
    assert ids(tracker(0), frames) == [[1]] * 10 + [[]] + [[2]] * 10


def test_person_whose_legs_are_hidden_keeps_the_id() -> None:
    whole, half = person(100), person(102)
    half[[9, 10, 12, 13]] = 0
    frames = [found(frame(pose)) for pose in (whole, half, whole)]
    assert ids(tracker(), frames) == [[1]] * 3


def test_uncertain_detection_begins_no_track() -> None:
    people = tracker()
    certain, uncertain = POSES.new_score, np.nextafter(POSES.new_score, 0)
    both = frame(person(100), person(500))
    assert ids(people, [found(both, certain, uncertain)] * 10) == [[1, 0]] * 10
    assert len(people.people) == 1


def test_uncertain_detection_keeps_an_existing_id() -> None:
    frames = [found(frame(person(4.0 * step)), 0.9 if step < 5 else 0.05) for step in range(60)]
    assert ids(tracker(), frames) == [[1]] * 60


@pytest.mark.parametrize(("hidden", "expected"), [(SHORT - 1, 1), (SHORT, 0)])
def test_uncertain_detection_does_not_match_after_a_gap(hidden: int, expected: int) -> None:
    frames = [*walk(100, 0, 10), *[NOBODY] * hidden, found(frame(person(100)), 0.05)]
    assert ids(tracker(), frames)[-1] == [expected]


def test_certain_detections_are_matched_first() -> None:
    # The uncertain detection is closer to the person but does not match.
    frames = [*walk(100, 0, 10), found(frame(person(100), person(120)), 0.05, 0.9)]
    assert ids(tracker(), frames)[-1] == [0, 1]


def test_false_detections_use_up_no_ids() -> None:
    stays, ghost, comes = person(100), person(500), person(900)
    frames = [
        *[found(frame(stays))] * 4,
        *[found(frame(stays, ghost))] * (SURE - 1),
        *[found(frame(stays))] * 9,
        *[found(frame(stays, comes))] * SURE,
        *[found(frame(stays))] * 9,
    ]
    expected = [[1]] * 4 + [[1, 0]] * (SURE - 1) + [[1]] * 9 + [[1, 2]] * SURE + [[1]] * 9
    assert ids(tracker(), frames) == expected


@pytest.mark.parametrize("seen", [1, 2])
def test_person_at_the_end_of_a_segment_is_confirmed(seen: int) -> None:
    people = tracker()
    assert ids(people, [NOBODY] * 5 + walk(100, 0, seen)) == [[]] * 5 + [[1]] * seen
    assert ids(people, walk(100, 0, 2)) == [[1]] * 2


def test_person_missing_at_the_end_of_a_segment_is_remembered() -> None:
    people = tracker()
    assert ids(people, [*walk(100, 0, SURE - 1), NOBODY]) == [[0]] * (SURE - 1) + [[]]
    assert ids(people, [*walk(100, 0, 1), NOBODY]) == [[1], []]


@pytest.mark.parametrize(
    ("jump", "height", "expected"), [(90.0, 200.0, 1), (250.0, 200.0, 2), (90.0, 90.0, 2)]
)
def test_fast_move_matches_the_person_of_the_same_height(
    jump: float, height: float, expected: int
) -> None:
    frames = [*walk(100, 0, 10), *[found(frame(person(100 + jump, height=height)))] * SURE]
    assert ids(tracker(), frames) == [[1]] * 10 + [[expected]] * SURE


@pytest.mark.parametrize("speed", [4.0, 0.0, -2.0])
def test_motion_during_a_gap_is_taken_as_straight(speed: float) -> None:
    seen = [*walk(0, 4, 20), *walk(76 + speed, speed, 12)]
    gap = [*seen[:20], *[NOBODY] * 11, seen[-1]]
    one, other = tracker(), tracker()
    assert ids(one, seen)[-1] == ids(other, gap)[-1] == [1]
    (without,), (with_gap,) = one.people, other.people
    np.testing.assert_allclose(with_gap.filter.mean, without.filter.mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        with_gap.filter.covariance, without.filter.covariance, rtol=1e-9, atol=1e-9
    )
    # A filter without the re-update would keep the old speed.
    assert (with_gap.filter.mean[4] < 2) == (speed < 4)


def test_boxes_of_a_detector() -> None:
    boxes = np.array([[0.0, 0, 40, 100], [300, 0, 340, 100]])
    people = PoseTracker(1.0, BOXES)
    frames = [Detections(boxes + 5.0 * step, np.array([0.95, 0.7])) for step in range(10)]
    tracked = people.segment(frames, following(people, 10))
    assert [frame.ids.tolist() for frame in tracked] == [[1, 0]] * 10
    np.testing.assert_allclose(tracked[-1].boxes, boxes + 45, atol=1.0)


@pytest.mark.parametrize(("height", "expected"), [(80.0, 1), (70.0, 2)])
def test_much_lower_box_gets_a_new_id(height: float, expected: int) -> None:
    people = PoseTracker(1.0, BOXES)
    before, after = np.array([[0.0, 0, 40, 100]]), np.array([[33.0, 0, 73, height]])
    frames = [Detections(box, np.ones(1)) for box in [before] * 10 + [after] * SURE]
    assert ids(people, frames) == [[1]] * 10 + [[expected]] * SURE


def test_repeated_false_detection_is_not_confirmed() -> None:
    frames = [*walk(100, 0, 2), *[NOBODY] * 10, *walk(100, 0, 2), NOBODY]
    assert ids(tracker(), frames) == [[0]] * 2 + [[]] * 10 + [[0]] * 2 + [[]]
