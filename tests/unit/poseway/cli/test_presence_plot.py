"""The plot of who is seen when, and ``poseway tracks``, which prints it."""

import io
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from typer.testing import CliRunner

from poseway.cli import app, presence_plot
from poseway.formats import keypoints
from poseway.formats.tracks_reader import read
from poseway.jobs import Smoothing
from tests.support.presence import presence, write_keypoints

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A folder with the keypoints of a video."""
    write_keypoints(tmp_path)
    return tmp_path


def test_video_without_people_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "keypoints.jsonl"
    path.write_bytes(keypoints.header(64, 48, Fraction(1), Fraction(1), Smoothing.OFF))
    found = read(path)
    assert list(presence_plot.rows(found, 80)) == []
    ET.fromstring(presence_plot.plot(found, "empty"))  # noqa: S314 # our own
    assert "Nobody was tracked." in CliRunner().invoke(app, ["tracks", str(path)]).output


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
