"""MOTA, IDF1 and id switches on labelled sequences."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from poseway.cli import tracking_evaluation
from poseway.errors import InvalidRequestError, PosewayError
from poseway.evaluation import tracking
from poseway.evaluation.mot_metrics import measure, read_truth
from poseway.formats.mot import MotError, parse, read
from poseway.paths import ROOT

TUD_CAMPUS = ROOT / os.environ.get("POSEWAY_EVAL_DIR", "../shared/eval") / "mot/TUD-Campus"
POSEWAY = [sys.executable, "-c", "from poseway.cli import app; app()"]


def box(frame: int, box_id: int, left: float, confidence: float = 1, width: float = 50) -> str:
    """A row of a box that is 100 pixels high, at the top."""
    return f"{frame},{box_id},{left},10,{width},100,{confidence},-1,-1,-1\n"


def sequence(directory: Path) -> tuple[Path, Path]:
    """Two people stand for 20 frames; SORT, which has no memory, loses one for three.

    Files of detections and of ground truth. They include a false detection and an ignored row.
    """
    hidden = range(8, 11)
    found = [box(n, -1, 300, 0.9) for n in range(1, 21)]
    found += [box(n, -1, 100, 0.9) for n in range(1, 21) if n not in hidden]
    found += [box(1, -1, 600, 0.9)]
    truth = [box(n, person, left) for n in range(1, 21) for person, left in ((1, 100), (2, 300))]
    (directory / "det.txt").write_text("".join(found))
    (directory / "gt.txt").write_text("".join(truth) + "\n" + box(5, 3, 900, 0))
    return directory / "det.txt", directory / "gt.txt"


def evaluate(detections: Path, truth: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [*POSEWAY, "evaluate-tracking", "--detections", str(detections)]
    command += ["--ground-truth", str(truth), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not TUD_CAMPUS.exists(), reason=f"no labelled sequence at {TUD_CAMPUS}")
def test_sort_has_its_published_measures_on_tud_campus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measures = tmp_path / "new" / "measures.json"
    files = (TUD_CAMPUS / "det.txt", TUD_CAMPUS / "gt.txt")
    tracking_evaluation.run(*files, tracker="sort", measures=measures, settings={})
    assert re.search(r"MOTA % +62\.67 *\n", capsys.readouterr().out)
    assert json.loads(measures.read_text()) == {
        "MOTA": 62.67,
        "IDF1": 60.65,
        "switches": 6,
        "fragmentations": 14,
        "false_positives": 15,
        "misses": 113,
        "boxes": 359,
        "frames": 71,
        "tracker": "sort",
    }


def test_both_trackers_side_by_side(tmp_path: Path) -> None:
    done = evaluate(*sequence(tmp_path), "--json", "-")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Tracking +sort +default *\n", done.stderr)
    reports: dict[str, Any] = json.loads(done.stdout)
    assert list(reports) == ["sort", "default"]
    sort, default = reports["sort"], reports["default"]
    # Not seen in three frames, nor shown in the next three.
    assert (sort["misses"], sort["false_positives"], sort["boxes"]) == (6, 1, 40)
    assert (sort["switches"], sort["fragmentations"]) == (1, 1)
    assert sort["MOTA"] == 80.0
    assert default["switches"] == 0
    assert default["IDF1"] > sort["IDF1"]


def test_settings_reach_the_tracker(tmp_path: Path) -> None:
    detections, _ = sequence(tmp_path)
    uncertain = tracking.track(detections, "default", {"new_score": 0.95})
    assert not len(uncertain.frames), "one of 0.9 began a track"
    with pytest.raises(InvalidRequestError, match="--frame-rate must be above 0"):
        tracking.track(detections, "sort", {"frame_rate": 0.0})


def test_an_unknown_tracker_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    detections, _ = sequence(tmp_path)
    with pytest.raises(InvalidRequestError, match=r"'other' \(choose from .*sort"):
        tracking.track(detections, "other", {})


def test_exchanged_ids_are_two_switches(tmp_path: Path) -> None:
    _, truth = sequence(tmp_path)
    lefts = {1: 100, 2: 300}
    right = "".join(box(n, 7 * i, lefts[i]) for n in range(1, 21) for i in lefts)
    swapped = "".join(
        box(n, i, lefts[i if n <= 10 else 3 - i]) for n in range(1, 21) for i in lefts
    )
    labelled = read_truth(truth)
    best = measure(labelled, parse(right, "right"), 20, "right")
    assert (best.MOTA, best.IDF1, best.switches) == (100, 100, 0)
    worse = measure(labelled, parse(swapped, "swapped"), 20, "swapped")
    assert (worse.MOTA, worse.IDF1, worse.switches) == (95, 50, 2)
    nobody = measure(labelled, parse("", "nobody"), 20, "nobody")
    assert (nobody.MOTA, nobody.IDF1, nobody.misses) == (0, 0, 40)


@pytest.mark.parametrize(("shift", "misses"), [(16.6, 0), (16.7, 40)])
def test_half_an_overlap_is_a_match(shift: float, misses: int, tmp_path: Path) -> None:
    _, truth = sequence(tmp_path)
    lefts = (100 + shift, 300 + shift)
    moved = "".join(box(n, i, left) for n in range(1, 21) for i, left in enumerate(lefts, 1))
    report = measure(read_truth(truth), parse(moved, "moved"), 20, "moved")
    assert (report.misses, report.false_positives) == (misses, misses)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no row"),
        ("\n \n", "has no row"),
        (box(1, 1, 0) + "2,1,5,5,9,9\n", "line 2: 6 columns instead of at least 7"),
        (box(1, 1, 0) + "\n" + box(2, 1, float("nan")), "line 3: the left .* finite .* 'nan'"),
        ("1,1,0,0,9,9,high\n", "line 1: the confidence must be a finite number, not 'high'"),
        (box(1, 1, 0, width=-5), "line 1: width and height must be above 0"),
        (box(1, 1, 2e6), "line 1: the box lies beyond 1000000 pixels"),
        (box(0, 1, 0), "line 1: the frame must be a whole number from 1 to 1000000, not 0"),
        (box(10**9, 1, 0), r"line 1: the frame must .* not 1e\+09"),
        ("1.5,1,0,0,9,9,1\n", "line 1: the frame must .* not 1.5"),
        ("1,1.5,0,0,9,9,1\n", "line 1: the id must be a whole number, not 1.5"),
    ],
)
def test_error_names_the_file_and_the_line(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.txt"
    file.write_text(text)
    with pytest.raises(MotError, match=f"wrong.txt.*{message}"):
        read(file)


def test_useless_ground_truth_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "gt.txt"
    file.write_text(box(1, 1, 0, 0))
    with pytest.raises(MotError, match=r"gt\.txt has no row with a confidence of 1"):
        read_truth(file)
    file.write_text(box(3, 4, 0) + box(3, 4, 200))
    with pytest.raises(MotError, match=r"gt\.txt has 2 boxes with the id 4 in frame 3"):
        read_truth(file)


def test_error_names_an_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "video.txt").write_bytes(b"\x00\xff\xfe")
    for name, reason in (("gone.txt", "No such file"), (".", "not a file"), ("video.txt", "text")):
        with pytest.raises(MotError, match=reason):
            read(tmp_path / name)


def test_command_reports_an_error_without_traceback(tmp_path: Path) -> None:
    _, truth = sequence(tmp_path)
    wrong = tmp_path / "wrong.txt"
    wrong.write_text(box(0, 1, 0))
    done = evaluate(wrong, truth)
    assert (done.returncode, done.stdout) == (1, "")
    said = done.stderr.replace("\n", " ")
    assert re.match(r"not_mot: \S*wrong\.txt, ?line 1: the frame must be", said)
    assert "Traceback" not in said


def test_unwritable_measures_are_an_error(tmp_path: Path) -> None:
    files = sequence(tmp_path)
    with pytest.raises(PosewayError, match="/dev/full cannot be written: No space left"):
        tracking_evaluation.run(*files, tracker="sort", measures=Path("/dev/full"), settings={})


def test_error_names_a_missing_package(tmp_path: Path) -> None:
    without = "import sys; sys.modules['motmetrics'] = None; "
    files = ["--detections", str(tmp_path / "a"), "--ground-truth", str(tmp_path / "b")]
    command = [sys.executable, "-c", without + POSEWAY[2], "evaluate-tracking", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "motmetrics is not installed" in done.stderr
    assert "make evaluate-tracking" in done.stderr.replace("\n", " ")


def test_make_runs_every_sequence_or_the_chosen_one(tmp_path: Path) -> None:
    said = tmp_path / "poseway"
    said.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    said.chmod(0o755)
    env = os.environ | {"POSEWAY_EVAL_DIR": str(tmp_path / "it's all"), "MAKEFLAGS": ""}
    command = ["make", "--silent", "evaluate-tracking", f"BIN={tmp_path}", "ARGS=--json -"]
    command += [f"--old-file={name}" for name in ("poseway/v1/.generated", ".venv/.evaluate")]

    def make(*words: str) -> subprocess.CompletedProcess[str]:
        words = (*command, *words)
        return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    def told(detections: Path, truth: Path) -> list[str]:
        files = ["--detections", str(detections), "--ground-truth", str(truth)]
        return ["evaluate-tracking", *files, "--json", "-"]

    missing = make()
    assert missing.returncode != 0
    assert "make evaluate-tracking DETECTIONS=" in missing.stderr
    folders = [tmp_path / "it's all" / "mot" / name for name in ("A 1", "B")]
    for folder in folders:
        folder.mkdir(parents=True)
        sequence(folder)
    each = [word for folder in folders for word in told(folder / "det.txt", folder / "gt.txt")]
    assert make().stdout.splitlines() == each
    other = tmp_path / 'my "best".txt'
    other.touch()
    named = make(f"DETECTIONS={folders[1]}/det.txt", f"GROUND_TRUTH={other}")
    assert named.stdout.splitlines() == told(folders[1] / "det.txt", other)
    assert make(f"GROUND_TRUTH={other}").returncode != 0
