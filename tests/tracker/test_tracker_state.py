"""The tracker as bytes."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseway.errors import InvalidRequestError
from services.tracker import state
from services.tracker.kalman import BoxFilter
from services.tracker.poses import PoseTracker
from services.tracker.sort import Sort, Track
from tests.tracker.people import street

_number = st.floats(-1e18, 1e18)
_positive = st.floats(1e-9, 1e18)


@given(
    st.lists(_number, min_size=5, max_size=5),
    st.tuples(_positive, _positive),
    st.lists(_positive, min_size=7, max_size=7),
    st.none() | st.integers(0, 1 << 40),
)
def test_every_float_is_exactly_what_it_was(
    rest: list[float],
    area_and_aspect: tuple[float, float],
    variances: list[float],
    last_frame: int | None,
) -> None:
    mean = np.array([*rest[:2], *area_and_aspect, *rest[2:]])
    sort = Sort(max_age=7, min_hits=2, iou_threshold=0.1)
    sort.tracks = [Track(5, BoxFilter.restore(mean, np.diag(variances)), 3, 4)]
    sort.next_id, sort.frame_count = 9, 77
    restored, frame = state.load(state.dump(sort, last_frame))
    assert frame == last_frame
    assert (restored.max_age, restored.min_hits, restored.iou_threshold) == (7, 2, 0.1)
    assert (restored.next_id, restored.frame_count) == (9, 77)
    (track,) = restored.tracks
    assert (track.id, track.hit_streak, track.time_since_update) == (5, 3, 4)
    assert track.filter.mean.tobytes() == mean.tobytes()
    assert track.filter.covariance.tobytes() == np.diag(variances).tobytes()


def written() -> Any:  # noqa: ANN401 # JSON
    tracker = PoseTracker(30, 0.2)
    for index, people in enumerate(street(12)):
        tracker.update(index, people)
    return json.loads(tracker.save())


def assert_refused(saved: bytes, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message) as caught:
        state.load(saved)
    assert caught.value.code == "state_unreadable"


def test_what_was_written_can_be_changed_and_read() -> None:
    document = written()
    assert len(document["tracks"]) == 3
    document["next_id"] = 40
    assert state.load(json.dumps(document).encode())[0].next_id == 40


@pytest.mark.parametrize("saved", [b" ", b"{}", b"[]", b"null", b"\xff\xfe", b'{"version":1'])
def test_what_is_no_state_is_refused(saved: bytes) -> None:
    assert_refused(saved, "state cannot be read")


def test_a_state_that_was_cut_off_is_refused() -> None:
    saved = json.dumps(written()).encode()
    for end in range(1, len(saved), 97):
        assert_refused(saved[:end], "state cannot be read")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["version"], 2, "version"),
        (["next_id"], 3, "next_id"),
        (["next_id"], 1.5, "next_id"),
        (["next_id"], 1 << 64, "next_id"),
        (["frame_count"], -1, "frame_count"),
        (["last_frame"], "7", "last_frame"),
        (["iou_threshold"], 0, "iou_threshold"),
        (["more"], 1, "more"),
        (["tracks", 1, "id"], 1, "ids must differ"),
        (["tracks", 1, "id"], 0, "tracks.1.id"),
        (["tracks", 0, "mean"], [1.0] * 6, "tracks.0.mean"),
        (["tracks", 0, "mean", 0], float("nan"), "tracks.0.mean.0"),
        (["tracks", 0, "mean", 4], float("inf"), "tracks.0.mean.4"),
        (["tracks", 0, "mean", 4], 1e300, "tracks.0.mean.4"),
        (["tracks", 0, "mean", 2], -1.0, "area and aspect"),
        (["tracks", 0, "mean", 3], 0.0, "area and aspect"),
        (["tracks", 2, "covariance"], [[0.0] * 7] * 7, "positive definite"),
        (["tracks", 2, "covariance", 3], [0.0], "tracks.2.covariance.3"),
    ],
)
def test_a_state_that_cannot_be_is_refused(
    path: list[str | int], value: object, message: str
) -> None:
    document = written()
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert_refused(json.dumps(document).encode(), message)
