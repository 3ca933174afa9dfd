"""`tracks.json`: making, writing and reading it."""

import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseway.errors import InvalidRequestError
from poseway.formats import keypoints, tracks
from poseway.formats.tracks_reader import read
from poseway.jobs import Smoothing
from tests.support.presence import IDS, SPANS, presence, write_keypoints


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A folder with the keypoints of a video."""
    write_keypoints(tmp_path)
    return tmp_path


def test_spans_are_runs_of_consecutive_frames() -> None:
    assert tracks.spans(enumerate(IDS)) == SPANS


def test_runs_have_the_times_of_their_frames() -> None:
    # After the fourth frame nothing is recorded for an hour.
    starts = [0.0, 0.8, 1.2, 2.0, 3602.0, 3602.9]
    timed = tracks.with_ends(zip(range(6), starts, map(sorted, IDS), strict=True), 0.5)
    assert tracks.runs(timed) == {
        1: [(0, 2, 0.0, 2.0), (4, 4, 3602.0, 3602.9)],
        2: [(2, 4, 1.2, 3602.9)],
    }
    timed = tracks.with_ends([(0, 0.0, [1]), (1, 2.0, [2])], 0.5, 90.0)
    assert tracks.runs(timed) == {1: [(0, 0, 0.0, 1.0)], 2: [(1, 1, 2.0, 3.0)]}
    timed = tracks.with_ends([(0, 0.0, [1]), (1, 10.0, [2])], 10.0)
    assert tracks.runs(timed) == {1: [(0, 0, 0.0, 10.0)], 2: [(1, 1, 10.0, 20.0)]}


@given(
    frames=st.lists(st.sets(st.integers(1, 4)), max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=3),
)
def test_joined_segments_have_the_runs_of_the_whole_video(
    frames: list[set[int]], cuts: list[int]
) -> None:
    borders = [0, *sorted(cuts), len(frames)]
    timed = [(index, 2.0 * index, 2.0 * index + 2, ids) for index, ids in enumerate(frames)]
    parts = [tracks.runs(timed[a:b]) for a, b in itertools.pairwise(borders)]
    joined = tracks.join(parts)
    assert joined == tracks.runs(timed)
    for track, runs in joined.items():
        seen = {index for run in runs for index in range(run.first, run.last + 1)}
        assert seen == {index for index, ids in enumerate(frames) if track in ids}
        assert all(run.end - run.start == 2 * (run.last - run.first + 1) for run in runs)
    tracks.presence(joined, len(frames), Fraction(30), Fraction(1))  # refuses what overlaps


def test_file_has_the_documented_fields() -> None:
    assert json.loads(presence().file()) == {
        "format": "poseway-tracks",
        "version": 1,
        "frames": 6,
        "frame_rate": "1",
        "duration_seconds": 6.0,
        "tracks": [
            {
                "id": 1,
                "frames": 4,
                "first": 0,
                "last": 4,
                "spans": [[0, 2], [4, 4]],
                "times": [[0.0, 3.0], [4.0, 5.0]],
            },
            {
                "id": 2,
                "frames": 3,
                "first": 2,
                "last": 4,
                "spans": [[2, 4]],
                "times": [[2.0, 5.0]],
            },
        ],
    }


def test_keypoints_and_tracks_files_give_the_same(result: Path) -> None:
    assert read(result) == read(result / "keypoints.jsonl") == presence()
    (result / "tracks.json").write_bytes(presence(12).file())
    assert read(result) == read(result / "tracks.json") == presence(12)


def test_video_without_people_has_no_tracks(tmp_path: Path) -> None:
    path = tmp_path / "keypoints.jsonl"
    path.write_bytes(keypoints.header(64, 48, Fraction(1), Fraction(1), Smoothing.OFF))
    found = read(path)
    assert (found.frames, found.duration_seconds, found.tracks) == (0, 0.0, [])


def damage(**changes: Any) -> bytes:  # noqa: ANN401 # any JSON
    return json.dumps(json.loads(presence().file()) | changes).encode()


TRACK = {"id": 1, "frames": 1, "first": 0, "last": 0, "spans": [[0, 0]]}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "neither"),
        (b"\x00\xff" * 1000, "neither"),
        (b'{"format": "another"}', "neither"),
        (b"[" * 100_000, "neither"),
        (presence().file()[:-20], "damaged: tracks.json: Invalid JSON"),
        (damage(version=2), "damaged: version"),
        (damage(frames=4), "does not have"),
        (damage(duration_seconds=1e999), "damaged: duration_seconds"),
        (damage(tracks=[TRACK, TRACK]), "order of their ids"),
        (damage(tracks=[TRACK | {"frames": 2}]), "not the number of frames"),
        (damage(tracks=[TRACK | {"spans": [[0, 0], [1, 1]], "last": 1}]), "not in order"),
        (damage(tracks=[TRACK | {"spans": [[1, 0]]}]), "ends before it begins"),
        (damage(tracks=[TRACK | {"spans": []}]), "damaged: tracks.0.spans"),
        (damage(tracks=[TRACK | {"times": [[0.0, 1.0]] * 2}]), "the times are not those"),
    ],
)
def test_any_other_file_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(InvalidRequestError, match=said):
        read(path)


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (1, b'{"format":"poseway-keypoints","version":2,"frame_rate":"1"}'),
        (1, b'{"format":"poseway-keypoints","version":1,"frame_rate":"0"}'),
        (1, b'{"format":"poseway-keypoints","version":1}'),
        (4, b'{"frame":2,"time":2.0,"people":[{"id":1'),
        (4, b'{"frame":1,"time":2.0,"people":[]}'),
        (4, b'{"frame":2,"time":NaN,"people":[]}'),
        (4, b'{"frame":2,"time":2.0,"people":[{"id":"1"}]}'),
        (4, b"[]"),
    ],
)
def test_error_names_the_damaged_line(result: Path, number: int, line: bytes) -> None:
    path = result / "keypoints.jsonl"
    lines = path.read_bytes().splitlines()[:4]
    lines[number - 1] = line
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(InvalidRequestError, match=f"line {number} cannot be read"):
        read(path)
