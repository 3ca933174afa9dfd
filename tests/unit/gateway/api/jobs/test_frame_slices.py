"""Slices of keypoints.jsonl by time."""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from poseway.formats import keypoints
from poseway.formats.joint_angles import NAMES, angles
from poseway.jobs import Smoothing
from poseway.v1 import pose_pb2
from poseway_gateway.api.jobs import frame_slices
from tests.support.walk import FRAMES, best, walk


class File:
    """A file of keypoints in memory that counts its reads and their bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads: list[int] = []

    def read(self, start: int, end: int) -> Iterator[bytes]:
        self.reads.append(end - start)
        for at in range(start, end, 10_000):
            yield self.data[at : min(end, at + 10_000)]

    def cut(self, start: float, end: float) -> tuple[list[dict[str, Any]], float | None]:
        return frame_slices.cut(self.read, len(self.data), start, end)

    def times(self) -> list[float]:
        return [json.loads(line)["time"] for line in self.data.splitlines()[1:]]


def file_of(ticks: list[int], people: list[int]) -> File:
    """A file with a time base of milliseconds and the given number of people per frame."""
    base = Fraction(1, 1000)
    pose = pose_pb2.Pose(keypoints=[1.25] * 54, score=0.5)
    lines = [keypoints.header(100, 100, base, Fraction(25), Smoothing.OFF)]
    for index, (pts, count) in enumerate(zip(ticks, people, strict=True)):
        everybody = [pose_pb2.TrackedPose(track_id=i + 1, pose=pose) for i in range(count)]
        frame = pose_pb2.TrackedFrame(frame_index=index, pts=pts, people=everybody)
        lines.append(keypoints.line(frame, base))
    return File(b"".join(lines))


@pytest.fixture(scope="module")
def uneven() -> File:
    """Frames of uneven duration and size: no people, a few, and one crowd of 300 (90 KB)."""
    rng = np.random.default_rng(3)
    ticks = np.cumsum(rng.integers(1, 120, 6000)).tolist()
    people = rng.integers(0, 4, 6000)
    people[[0, 1700, 1701, 5999]] = 300
    return file_of(ticks, people.tolist())


def expected(times: list[float], start: float, end: float) -> list[int]:
    shown = max((i for i, time in enumerate(times) if time <= start), default=0)
    return [i for i, time in enumerate(times) if i == shown or (shown < i and time < end)]


def test_the_search_finds_what_a_full_scan_finds(uneven: File) -> None:
    times = uneven.times()
    rng = np.random.default_rng(5)
    starts = [0.0, times[0], times[1700], times[1701], times[-1], times[-1] + 5]
    for start in [*starts, *rng.uniform(0, times[-1], 60)]:
        found, following = uneven.cut(start, start + 7)
        wanted = expected(times, start, start + 7)
        assert [frame["frame"] for frame in found] == wanted
        after = wanted[-1] + 1
        assert following == (times[after] if after < len(times) else None)


def test_slice_begins_with_the_frame_on_screen() -> None:
    slides = file_of([0, 60_000, 130_000], [1, 1, 1])
    found, following = slides.cut(100, 110)
    assert [frame["time"] for frame in found] == [60.0]
    assert following == 130.0


def test_following_next_visits_every_frame_once(uneven: File) -> None:
    seen: list[int] = []
    at: float | None = 0.0
    while at is not None:
        found, at = uneven.cut(at, at + 60)
        seen += [frame["frame"] for frame in found]
    assert seen == list(range(6000))


def test_reads_stay_few_and_short_for_long_videos() -> None:
    long = file_of([40 * i for i in range(60_000)], [1] * 60_000)  # 40 minutes, 20 MB
    found, _ = long.cut(1800, 1801)
    assert len(found) == 25
    assert len(long.reads) < 16
    assert sum(long.reads) < 3 << 20


@pytest.mark.parametrize(
    ("people", "limit"), [(0, frame_slices.MAX_FRAMES), (3, frame_slices.MAX_PEOPLE // 3)]
)
def test_response_size_is_bounded(people: int, limit: int) -> None:
    file = file_of(list(range(5000)), [people] * 5000)
    found, following = file.cut(0, 60)
    assert len(found) == limit
    assert following == limit / 1000


def test_an_answer_spans_at_most_a_minute() -> None:
    file = file_of([1000 * i for i in range(100)], [0] * 100)
    found, following = file.cut(10, 90)
    assert [frame["time"] for frame in found] == list(range(10, 70))
    assert following == 70


def test_people_have_smoothed_keypoints_and_angles() -> None:
    file = File(walk(smoothed=True))
    found, following = file.cut(0, 60)
    assert following is None
    originals = [json.loads(line) for line in file.data.splitlines()[1:]]
    pairs = [
        pair
        for frame, original in zip(found, originals, strict=True)
        for pair in zip(frame["people"], original["people"], strict=True)
    ]
    assert len(pairs) > FRAMES
    for person, original in pairs:
        assert person["keypoints"] == original["smoothed"]
        assert person["filled"] == original["filled"]
        measured = angles(best(original)).round(2)
        wanted = [None if np.isnan(degrees) else degrees for degrees in measured]
        assert list(person["angles"].items()) == list(zip(NAMES, wanted, strict=True))


def test_file_without_frames() -> None:
    assert file_of([], []).cut(0, 60) == ([], None)
