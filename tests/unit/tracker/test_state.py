"""Saved states of the tracker."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseway.errors import IncompatibleError, InvalidRequestError
from poseway_tracker import state
from poseway_tracker.session import Frame, VideoTracker
from poseway_tracker.smoothing.smoother import Smoother, Strength
from poseway_tracker.trackers.clock import REFERENCE_RATE, Clock
from poseway_tracker.trackers.kalman import BoxFilter
from poseway_tracker.trackers.pose_tracker import PoseTracker
from poseway_tracker.trackers.sort import Sort, Track
from tests.support.tracked_people import Poses, street

RATE = 30.0

_number = st.floats(-1e18, 1e18)
_positive = st.floats(1e-9, 1e18)


@settings(max_examples=30)
@given(
    st.lists(_number, min_size=5, max_size=5),
    st.tuples(_positive, _positive),
    st.lists(_positive, min_size=7, max_size=7),
    st.none() | st.integers(0, 1 << 40),
)
def test_every_float_is_restored_exactly(
    rest: list[float],
    area_and_aspect: tuple[float, float],
    variances: list[float],
    last_frame: int | None,
) -> None:
    mean = np.array([*rest[:2], *area_and_aspect, *rest[2:]])
    sort = Sort(max_age=0.7, min_hits=2, iou_threshold=0.1)
    sort.tracks = [Track(5, BoxFilter.restore(mean, np.diag(variances)), 1 / 3, 3, False)]
    sort.next_id, sort.frame_count, sort.time = 9, 77, 2 / 3
    saved = state.dump(state.Saved(sort, None, Clock(), last_frame))
    restored, smoother, _, frame = state.load(saved, RATE, 0.0)
    assert smoother is None
    assert isinstance(restored, Sort)
    assert frame == last_frame
    assert (restored.max_age, restored.min_hits, restored.iou_threshold) == (0.7, 2, 0.1)
    assert (restored.next_id, restored.frame_count, restored.time) == (9, 77, 2 / 3)
    (track,) = restored.tracks
    assert (track.id, track.seen, track.hit_streak, track.found) == (5, 1 / 3, 3, False)
    assert track.filter.mean.tobytes() == mean.tobytes()
    assert track.filter.covariance.tobytes() == np.diag(variances).tobytes()


def frames_of(poses: list[Poses], first: int = 0) -> list[Frame]:
    return [
        Frame(index, people, np.full(len(people), 0.5), index / RATE)
        for index, people in enumerate(poses, first)
    ]


def written(kind: str) -> Any:  # noqa: ANN401 # JSON
    tracker = Sort(1.0, 0, 0.2) if kind == "sort" else PoseTracker(1.0)
    video = VideoTracker(tracker, Smoother(Strength.LIGHT))
    video.segment(frames_of(street(12)))
    return json.loads(video.save())


def assert_refused(saved: bytes, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message) as caught:
        state.load(saved, RATE, 0.0)
    assert caught.value.code == "state_unreadable"


@pytest.mark.parametrize(("kind", "held"), [("sort", "tracks"), ("people", "people")])
def test_written_state_can_be_edited_and_read(kind: str, held: str) -> None:
    document = written(kind)
    assert document["version"] == 3
    assert document["tracker"]["kind"] == kind
    assert len(document["tracker"][held]) == 3
    assert len(document["smoother"]["tracks"]) == 3
    document["tracker"]["next_id"] = 40
    tracker = state.load(json.dumps(document).encode(), RATE, 0.0).tracker
    assert isinstance(tracker, Sort if kind == "sort" else PoseTracker)
    assert tracker.next_id == 40


@pytest.mark.parametrize("saved", [b" ", b"{}", b"[]", b"null", b"\xff\xfe", b'{"version":1'])
def test_data_that_is_not_a_state_is_refused(saved: bytes) -> None:
    assert_refused(saved, "state cannot be read")


def test_truncated_state_is_refused() -> None:
    saved = json.dumps(written("people")).encode()
    for end in range(1, len(saved), 397):
        assert_refused(saved[:end], "state cannot be read")


def _assert_change_refused(kind: str, path: list[str | int], value: object, message: str) -> None:
    document = written(kind)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert_refused(json.dumps(document).encode(), message)


@pytest.mark.parametrize("kind", ["sort", "people"])
@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["version"], 1, "version"),
        (["last_frame"], "7", "last_frame"),
        (["more"], 1, "more"),
        (["tracker", "kind"], "other", "tracker"),
        (["tracker", "next_id"], 3, "next_id"),
        (["tracker", "next_id"], 1.5, "next_id"),
        (["tracker", "next_id"], 1 << 64, "next_id"),
        (["tracker", "max_age"], -1, "max_age"),
        (["tracker", "time"], float("nan"), "time"),
        (["smoother", "strength"], "none", "strength"),
        (["smoother", "tracks", 1, "times", 0], float("nan"), "times.0"),
        (["clock", "intervals", 0], 0.0, "intervals.0"),
        (["clock", "time"], float("inf"), "time"),
        (["smoother", "tracks", 1, "id"], 1, "ids must differ"),
        (["smoother", "tracks", 1, "height"], -1.0, "height"),
        (["smoother", "tracks", 1, "places", 0, 0], float("nan"), "places.0.0"),
    ],
)
def test_invalid_state_is_refused(
    kind: str, path: list[str | int], value: object, message: str
) -> None:
    _assert_change_refused(kind, path, value, message)


@pytest.mark.parametrize(("kind", "held"), [("sort", "tracks"), ("people", "people")])
@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["id"], 1, "ids must differ"),
        (["id"], -1, "id"),
        (["filter", "mean"], [1.0] * 6, "filter.mean"),
        (["filter", "mean", 0], float("nan"), "filter.mean.0"),
        (["filter", "mean", 4], float("inf"), "filter.mean.4"),
        (["filter", "mean", 4], 1e300, "filter.mean.4"),
        (["filter", "mean", 2], -1.0, "area and aspect"),
        (["filter", "mean", 3], 0.0, "area and aspect"),
        (["filter", "covariance"], [[0.0] * 7] * 7, "positive definite"),
        (["filter", "covariance", 3], [0.0], "filter.covariance.3"),
    ],
)
def test_invalid_track_or_person_is_refused(
    kind: str, held: str, path: list[str | int], value: object, message: str
) -> None:
    _assert_change_refused(kind, ["tracker", held, 1, *path], value, message)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["thresholds"], [0.5] * 6, "thresholds"),
        (["thresholds", 0], 1.5, "thresholds.0"),
        (["people", 0, "last", "mean", 2], -1.0, "area and aspect"),
        (["people", 0, "box", 1], float("nan"), "box.1"),
        (["people", 0, "pose", 3], [1.0, 1.0], "pose.3"),
        (["people", 0, "pose", 3, 0], float("inf"), "pose.3.0"),
        (["people", 0, "missed"], -1, "missed"),
    ],
)
def test_invalid_person_is_refused(path: list[str | int], value: object, message: str) -> None:
    _assert_change_refused("people", ["tracker", *path], value, message)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["frame_count"], -1, "frame_count"),
        (["iou_threshold"], 0, "iou_threshold"),
        (["tracks", 1, "id"], 0, "tracks.1.id"),
    ],
)
def test_invalid_track_is_refused(path: list[str | int], value: object, message: str) -> None:
    _assert_change_refused("sort", ["tracker", *path], value, message)


def _frames_since(seconds: float) -> int:
    return round(seconds * RATE)


def _per_frame(box_filter: Any) -> None:  # noqa: ANN401 # JSON
    scales = [1.0] * 4 + [REFERENCE_RATE / RATE] * 3
    mean, covariance = np.array(box_filter["mean"]), np.array(box_filter["covariance"])
    box_filter["mean"] = (mean * scales).tolist()
    box_filter["covariance"] = (covariance * np.outer(scales, scales)).tolist()


def _version_2(document: Any) -> Any:  # noqa: ANN401 # JSON
    """Converts to version 2, which measured time in frames, here at 30 per second."""
    tracker, smoother = document["tracker"], document["smoother"]
    last = tracker.pop("time")
    tracker["max_age"] = _frames_since(tracker["max_age"])
    for track in tracker.get("tracks", []):
        track["time_since_update"] = _frames_since(last - track.pop("seen"))
        del track["found"]
        _per_frame(track["filter"])
    for person in tracker.get("people", []):
        person["hits"] = _frames_since(person.pop("found"))
        del person["seen"]
        person["seen"] = person.pop("last")
        _per_frame(person["filter"])
        _per_frame(person["seen"])
    if tracker["kind"] == "people":
        tracker |= {"min_hits": 3, "short_age": 6}
    for track in smoother["tracks"]:
        track["ages"] = [min(151, 1 + _frames_since(last - time)) for time in track.pop("times")]
    smoother["frame_rate"] = RATE
    del document["clock"]
    return document | {"version": 2}


@pytest.mark.parametrize("kind", ["sort", "people"])
def test_state_of_version_2_is_resumed_with_times(kind: str) -> None:
    now = json.dumps(written(kind)).encode()
    old = json.dumps(_version_2(written(kind))).encode()
    following = frames_of(street(40)[12:], 12)
    expected = VideoTracker.resume(now, RATE, 12 / RATE).segment(following)
    found = VideoTracker.resume(old, RATE, 12 / RATE).segment(following)
    for one, other in zip(found, expected, strict=True):
        assert one.ids.tolist() == other.ids.tolist()
        for id_, smoothed in other.smoothed.items():
            np.testing.assert_allclose(one.smoothed[id_].keypoints, smoothed.keypoints, atol=1e-6)
            assert one.smoothed[id_].filled.tolist() == smoothed.filled.tolist()


def test_state_of_version_1_is_resumed_with_sort() -> None:
    document = _version_2(written("sort")) | {"smoother": None}
    without = json.dumps(document).encode()
    tracker = document["tracker"]
    del tracker["kind"]
    for track in tracker["tracks"]:
        track |= track.pop("filter")
    old = json.dumps({"version": 1, "last_frame": document["last_frame"], **tracker}).encode()
    first, second = (VideoTracker.resume(state, RATE, 0.4).save() for state in (old, without))
    assert first == second


def test_state_of_a_newer_version_is_refused() -> None:
    document = written("people") | {"version": 4, "more": 1}
    with pytest.raises(IncompatibleError, match=r"version 4, but .* up to 3") as caught:
        state.load(json.dumps(document).encode(), RATE, 0.0)
    assert caught.value.code == "state_newer"


@pytest.mark.parametrize("saved", [b'{"version":1}', b'{"version":1,"last_frame":1,"tracks":[1]}'])
def test_broken_state_of_version_1_is_refused(saved: bytes) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        VideoTracker.resume(saved, RATE, 0.0)
    assert refused.value.code == "state_unreadable"
