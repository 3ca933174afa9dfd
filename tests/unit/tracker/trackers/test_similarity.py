"""Similarity of people."""

import numpy as np
import pytest

from poseway_tracker.trackers.similarity import oks, widened
from tests.support.tracked_people import frame, person

_AREA = np.array([10_000.0])


def test_similarity_is_1_for_the_same_pose_and_0_far_away() -> None:
    people = frame(person(100), person(900))
    alike = oks(people, people, np.array([1e4, 1e4]))
    np.testing.assert_allclose(alike, np.eye(2), atol=1e-12)


def test_similarity_follows_the_formula() -> None:
    # Three common keypoints: nose, neck and right ankle, each moved by some pixels.
    first, second = np.zeros((1, 18, 3)), np.zeros((1, 18, 3))
    first[0, [0, 1, 10], 2] = second[0, [0, 1, 10], 2] = 0.5
    second[0, [0, 1, 10], 0] = (3, 4, 5)
    # COCO's constants are 2 sigma; ours are twice as large.
    sigmas = np.array([0.026, 0.079, 0.089])
    expected = np.exp(-np.square([3, 4, 5]) / (2 * 10_000 * np.square(4 * sigmas))).mean()
    assert oks(first, second, _AREA)[0, 0] == pytest.approx(expected, rel=1e-12)


def test_only_common_keypoints_count() -> None:
    whole, half = person(100), person(100)
    half[[9, 10, 12, 13]] = 0
    half[0] = (9000, 9000, 0)
    assert oks(frame(whole), frame(half), _AREA).tolist() == [[1.0]]


@pytest.mark.parametrize(("shared", "known"), [(0, False), (2, False), (3, True)])
def test_too_few_common_keypoints_give_nan(shared: int, known: bool) -> None:
    first, second = person(100), person(100)
    first[shared:] = 0
    assert np.isfinite(oks(frame(first), frame(second), _AREA)).all() == known


def test_a_large_person_may_move_further() -> None:
    near, far = (
        oks(frame(person(100)), frame(person(120)), np.array([side])).item() for side in (1e6, 1e3)
    )
    assert near > 0.9
    assert far < 0.2


def test_similarity_without_people() -> None:
    assert oks(frame(), frame(person(1)), _AREA).shape == (0, 1)
    assert oks(frame(person(1)), frame(), np.empty(0)).shape == (1, 0)


def test_widened_boxes() -> None:
    boxes = np.array([[0.0, 0, 10, 20], [5, 5, 6, 6]])
    assert widened(boxes, 0.5).tolist() == [[-5, -10, 15, 30], [4.5, 4.5, 6.5, 6.5]]
    assert widened(boxes, 0.0).tolist() == boxes.tolist()
