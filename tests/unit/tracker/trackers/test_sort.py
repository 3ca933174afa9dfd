"""SORT on boxes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseway.errors import InvalidRequestError
from poseway_tracker.trackers.assignment import match
from poseway_tracker.trackers.base import Detections, Tracked
from poseway_tracker.trackers.boxes import Boxes
from poseway_tracker.trackers.clock import REFERENCE_RATE, FrameTime, even
from poseway_tracker.trackers.sort import Sort

NOBODY = np.empty((0, 4))
FRAME = 1 / REFERENCE_RATE
"""Seconds."""


def box(x: float, y: float = 0.0, width: float = 40.0, height: float = 100.0) -> list[float]:
    return [x, y, x + width, y + height]


def update(sort: Sort, boxes: Boxes) -> Tracked:
    frame_time = FrameTime(sort.frame_count * FRAME, FRAME)
    return sort.update(Detections(boxes, np.ones(len(boxes))), frame_time)


def ids(sort: Sort, *boxes: list[float]) -> list[int]:
    return list(update(sort, np.array(boxes).reshape(-1, 4)).ids.tolist())


def test_ids_start_at_1_in_every_tracker() -> None:
    one, other = Sort(min_hits=0), Sort(min_hits=0)
    assert ids(one, box(0), box(200), box(400)) == [1, 2, 3]
    assert ids(other, box(0)) == [1]
    assert ids(one, box(0), box(800)) == [1, 4]
    assert ids(other, box(800)) == [2]


def test_moving_box_keeps_its_id_in_any_row() -> None:
    sort = Sort(min_hits=0)
    assert ids(sort, box(0), box(500)) == [1, 2]
    for step in range(1, 20):
        assert ids(sort, box(500 - 8 * step), box(8 * step)) == [2, 1]


def test_boxes_that_cross_keep_their_ids() -> None:
    sort = Sort(min_hits=0)
    for step in range(41):
        assert ids(sort, box(6.0 * step), box(243 - 6.0 * step)) == [1, 2]


@pytest.mark.parametrize(("missed", "expected"), [(1, 1), (5, 1), (6, 2)])
def test_track_is_kept_for_max_age(missed: int, expected: int) -> None:
    sort = Sort(max_age=5 * FRAME, min_hits=0)
    for step in range(10):
        ids(sort, box(5.0 * step))
    for _ in range(missed):
        assert ids(sort) == []
    assert ids(sort, box(5.0 * (10 + missed))) == [expected]


def test_empty_frames() -> None:
    sort = Sort()
    for _ in range(3):
        tracked = update(sort, NOBODY)
        assert tracked.ids.shape == (0,)
        assert tracked.ids.dtype == np.int64
        assert tracked.boxes.shape == (0, 4)
    assert sort.tracks == []


def test_track_is_shown_after_min_hits_consecutive_frames() -> None:
    sort = Sort(max_age=3 * FRAME, min_hits=3)
    # Every track is shown in the first three frames.
    assert [ids(sort, box(0)) for _ in range(3)] == [[1]] * 3
    assert ids(sort, box(0), box(300)) == [1, 0]
    shown = [ids(sort, box(0), box(300))[1] for _ in range(4)]
    assert shown == [0, 0, 2, 2]
    # One missed frame resets the streak, which starts again two frames later.
    assert ids(sort, box(0)) == [1]
    assert [ids(sort, box(0), box(300))[1] for _ in range(4)] == [0, 0, 2, 2]


def test_boxes_are_filtered() -> None:
    sort = Sort(min_hits=0)
    update(sort, np.array([box(0)]))
    found = update(sort, np.array([box(10)])).boxes[0]
    # Between the expected place, at rest, and the detected one; nearly the latter.
    assert 9 < found[0] < 10
    assert 49 < found[2] < 50


def test_shrinking_box_does_not_vanish_without_detections() -> None:
    sort = Sort(max_age=100 * FRAME, min_hits=0)
    for side in (100.0, 80.0, 60.0, 40.0):
        ids(sort, box(0, 0, side, side))
    for _ in range(50):
        ids(sort)
    assert sort.tracks[0].filter.mean[2] > 0
    assert np.isfinite(update(sort, np.array([box(0, 0, 40, 40)])).boxes).all()


def test_match_maximises_the_sum() -> None:
    overlap = np.array([[0.9, 0.8], [0.8, 0.1]])
    assert match(overlap, 0.3) == [(0, 1), (1, 0)]
    assert match(overlap, 0.85) == [(0, 0)]


def test_match_keeps_a_valid_pair_instead_of_two_dropped_ones() -> None:
    assert match(np.array([[0.4, 0.29], [0.29, 0.0]]), 0.3) == [(0, 0)]


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_match_without_rows_or_columns(shape: tuple[int, int]) -> None:
    assert match(np.zeros(shape), 0.3) == []


@pytest.mark.parametrize("bad", [[np.nan, 0, 1, 1], [10, 0, 0, 10], [0, 0, 1, np.inf]])
def test_refused_frame_does_not_change_the_tracker(bad: list[float]) -> None:
    sort, undisturbed = Sort(min_hits=0), Sort(min_hits=0)
    for step in range(6):
        with pytest.raises(InvalidRequestError):
            update(sort, np.array([box(9.0 * step), bad]))
        boxes = np.array([box(9.0 * step)])
        mine, its = update(sort, boxes), update(undisturbed, boxes)
        assert mine.ids.tolist() == its.ids.tolist()
        assert mine.boxes.tolist() == its.boxes.tolist()


def test_segment_equals_its_frames_one_by_one() -> None:
    frames = [np.array([box(9.0 * step), box(500.0)]) for step in range(6)]
    one, other = Sort(min_hits=0), Sort(min_hits=0)
    found = [Detections(boxes, np.zeros(2)) for boxes in frames]
    tracked = one.segment(found, even(len(frames), REFERENCE_RATE))
    for mine, boxes in zip(tracked, frames, strict=True):
        its = update(other, boxes)
        assert mine.ids.tolist() == its.ids.tolist() == [1, 2]
        assert mine.boxes.tolist() == its.boxes.tolist()


@st.composite
def _boxes(draw: st.DrawFn) -> Boxes:
    corner = st.tuples(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))
    near = st.tuples(st.floats(0, 200), st.floats(0, 200))
    sides = st.tuples(st.floats(0.01, 1e4), st.floats(0.01, 1e4))
    rows = draw(st.lists(st.tuples(near | corner, sides), max_size=6))
    return np.array([box(*place, *size) for place, size in rows]).reshape(-1, 4)


@settings(max_examples=30)
@given(st.lists(_boxes(), max_size=12), st.integers(0, 3), st.floats(0.05, 1.0))
def test_ids_are_unique_and_never_reused(
    frames: list[Boxes], max_age: int, iou_threshold: float
) -> None:
    sort = Sort(max_age * FRAME, min_hits=0, iou_threshold=iou_threshold)
    unseen: dict[int, int] = {}
    for boxes in frames:
        tracked = update(sort, boxes)
        given_ids = tracked.ids.tolist()
        assert len(given_ids) == len(set(given_ids)) == len(boxes)
        assert np.isfinite(tracked.boxes).all()
        fresh = [track_id for track_id in given_ids if track_id not in unseen]
        assert sorted(fresh) == list(range(len(unseen) + 1, len(unseen) + len(fresh) + 1))
        for track_id in unseen:
            unseen[track_id] += 1
        for track_id in given_ids:
            assert unseen.get(track_id, 0) <= max_age + 1
            unseen[track_id] = 0
