"""Boxes: overlap, measurements and validity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseway.errors import InvalidRequestError
from poseway_tracker.trackers.boxes import check_boxes, iou, measure, unmeasure

_position = st.floats(-5e5, 5e5)
_side = st.floats(1e-2, 1e5)


def test_iou() -> None:
    first = np.array([[0.0, 0, 10, 10], [0, 0, 2, 2]])
    second = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [-3, -3, -1, -1]])
    expected = [[1, 1 / 3, 0, 0], [4 / 100, 0, 0, 0]]
    np.testing.assert_allclose(iou(first, second), expected)


def test_iou_without_boxes_and_with_a_point() -> None:
    box = np.array([[0.0, 0, 10, 10]])
    point = np.array([[1e6, 1e6, 1e6, 1e6]])
    assert iou(box, np.empty((0, 4))).shape == (1, 0)
    assert iou(np.empty((0, 4)), box).shape == (0, 1)
    assert iou(point, point).tolist() == [[0.0]]


def test_measure() -> None:
    assert measure(np.array([[10.0, 20, 30, 60]])).tolist() == [[20, 40, 800, 0.5]]


@given(_position, _position, _side, _side)
def test_unmeasure_is_the_inverse(x: float, y: float, width: float, height: float) -> None:
    boxes = np.array([[x, y, x + width, y + height]])
    np.testing.assert_allclose(unmeasure(measure(boxes)), boxes, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([0, 0, np.nan, 1], "not finite"),
        ([0, -np.inf, 1, 1], "not finite"),
        ([0, 0, -1, 1], "larger than"),
        ([0, 5, 1, 5], "larger than"),
        ([0, 0, 1, 2e6], "beyond"),
        ([0, 0, 1], "shape"),
    ],
)
def test_invalid_box_is_refused(box: list[float], message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        check_boxes(np.array([box]))
