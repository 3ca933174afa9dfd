"""`tracks.json`: making, writing, reading and plotting it."""

import io
import itertools
import json
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from poseway.cli import app, presence_plot
from poseway.errors import InvalidRequestError
from poseway.formats import keypoints, tracks
from poseway.formats.tracks import Presence
from poseway.formats.tracks_reader import read
from poseway.jobs import Smoothing
from poseway.v1 import pose_pb2

IDS = [{1}, {1}, {1, 2}, {2}, {1, 2}, set()]
SPANS = {1: [(0, 2), (4, 4)], 2: [(2, 4)]}
# At a frame a second.
RUNS = {t: [tracks.Run(a, b, float(a), b + 1.0) for a, b in its] for t, its in SPANS.items()}
SVG = "{http://www.w3.org/2000/svg}"


def presence(seconds: int = 6) -> Presence:
    return tracks.presence(RUNS, len(IDS), Fraction(len(IDS), seconds), Fraction(seconds))


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A folder with the keypoints of a video of one frame a second."""
    lines = [keypoints.header(64, 48, Fraction(1), Fraction(1), Smoothing.LIGHT)]
    for index, ids in enumerate(IDS):
        people = [
            pose_pb2.TrackedPose(track_id=track, pose=pose_pb2.Pose(keypoints=[1.0] * 54))
            for track in sorted(ids)
        ]
        frame = pose_pb2.TrackedFrame(frame_index=index, pts=index, people=people)
        frame.untracked.append(pose_pb2.Pose(keypoints=[1.0] * 54))
        lines.append(keypoints.line(frame, Fraction(1)))
    (tmp_path / "keypoints.jsonl").write_bytes(b"".join(lines))
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
    assert list(presence_plot.rows(found, 80)) == []
    ET.fromstring(presence_plot.plot(found, "empty"))  # noqa: S314 # our own
    assert "Nobody was tracked." in CliRunner().invoke(app, ["tracks", str(path)]).output


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


def test_bars_show_gaps() -> None:
    rows = [row.plain for row in presence_plot.rows(presence(), 8 + 12)]
    assert rows == ["1 4.0 s ██████··██··", "2 3.0 s ····██████··"]
    first, _ = presence_plot.rows(presence(), 8 + 10, ascii_only=True)
    assert first.plain == "1 4.0 s #####.+#+."


@pytest.mark.parametrize("cells", [1, 7, 10, 500])
def test_cells_of_a_bar_add_up_to_the_time_seen(cells: int) -> None:
    found = presence_plot.shares(presence().tracks[0].times, 6.0, cells)
    assert len(found) == cells
    assert all(0 <= share < 1 + 1e-9 for share in found)
    assert sum(found) / cells == pytest.approx(4 / 6)


def test_plot_has_a_row_per_track_and_a_bar_per_span() -> None:
    picture = ET.fromstring(presence_plot.plot(presence(), 'a <b> & "c"\x01'))  # noqa: S314 # our own
    bars = [bar for bar in picture.iter(f"{SVG}rect") if bar.find(f"{SVG}title") is not None]
    assert len({bar.get("y") for bar in bars}) == 2
    titles = [bar.findtext(f"{SVG}title") for bar in bars]
    assert titles == [
        "Person 1: 0.00 to 3.00 s",
        "Person 1: 4.00 to 5.00 s",
        "Person 2: 2.00 to 5.00 s",
    ]
    places = [(float(bar.get("x", "")), float(bar.get("width", ""))) for bar in bars]
    assert places[0][0] + places[0][1] < places[1][0]
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts == ['a <b> & "c"', *(f"{second} s" for second in range(7)), "1", "2"]


def test_axis_has_few_round_ticks() -> None:
    for seconds in (1, 7, 60, 3600, 100_000):
        picture = ET.fromstring(presence_plot.plot(presence(seconds), ""))  # noqa: S314 # our own
        assert 3 <= len(list(picture.iter(f"{SVG}line"))) <= 11


def test_command_prints_and_draws(result: Path, tmp_path: Path) -> None:
    plot = tmp_path / "plot.svg"
    shown = CliRunner().invoke(app, ["tracks", str(result), "--svg", str(plot)])
    assert shown.exit_code == 0
    assert [line[:8] for line in shown.output.splitlines()] == ["1 4.0 s ", "2 3.0 s "]
    assert ET.fromstring(plot.read_text()).tag == f"{SVG}svg"  # noqa: S314 # our own
    printed = CliRunner().invoke(app, ["tracks", str(result), "--json"])
    assert printed.output.encode() == presence().file()


def test_command_reports_an_error_in_one_line(result: Path, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere" / "plot.svg")
    for arguments in (
        ["/[b]no such file"],
        [str(Path(__file__).parent)],
        [str(result), "--svg", nowhere],
    ):
        done = CliRunner().invoke(app, ["tracks", *arguments])
        assert done.exit_code == 1
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert arguments[-1] in done.stderr


def test_rows_are_as_wide_as_the_terminal() -> None:
    console = Console(file=io.StringIO(), width=40)
    presence_plot.show(console, presence(), "", svg=None, json=False)
    assert isinstance(console.file, io.StringIO)
    assert {len(line) for line in console.file.getvalue().splitlines()} == {40}
