"""The command that tracks MOTChallenge files, and parity with the published SORT."""

import math
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from poseway.errors import InvalidRequestError
from poseway.formats.mot import parse, read
from poseway_tracker.mot_cli import Settings, detections_of, main, track

_ROOT = Path(__file__).resolve().parents[3]
_DETECTIONS = (
    _ROOT / os.environ.get("POSEWAY_EVAL_DIR", "../shared/eval") / "mot/TUD-Campus/det.txt"
)

# Boxes per id of the published code with its defaults, compared box by box; MOTA 62.67 %, IDF1
# 60.65 %, 6 switches, 113 misses, 15 false positives.
_IDS = (1, 2, 3, 4, 5, 6, 7, 10, 11, 13, 15, 18, 19, 23, 27)
_BOXES = (13, 8, 26, 6, 10, 4, 53, 9, 28, 10, 5, 42, 1, 29, 17)
_SUM_OF_BOXES = (73574.19935566, 46397.1151541, 96730.46712646, 105407.99337038)


@pytest.mark.skipif(not _DETECTIONS.exists(), reason=f"no labelled sequence at {_DETECTIONS}")
def test_parity_on_tud_campus() -> None:
    tracked = track(detections_of(read(_DETECTIONS)), "sort")
    shown = Counter(box_id for frame in tracked for box_id in frame.ids.tolist())
    assert shown == dict(zip(_IDS, _BOXES, strict=True))
    total = np.concatenate([frame.boxes for frame in tracked]).sum(axis=0)
    np.testing.assert_allclose(total, _SUM_OF_BOXES, rtol=1e-9)


def rows(*scores: float) -> str:
    """Rows with one box in every second frame, with these scores."""
    return "".join(f"{2 * n + 1},-1,10,20.1,30,40,{score}\n" for n, score in enumerate(scores))


@pytest.mark.parametrize(
    ("scores", "taken"),
    [((0.0, 0.4, 1.0), (0.0, 0.4, 1.0)), ((-1, -1), (1, 1)), ((0.5, 37.2), (1, 1))],
)
def test_scores_outside_0_to_1_count_as_1(
    scores: tuple[float, ...], taken: tuple[float, ...]
) -> None:
    frames = detections_of(parse(rows(*scores), "rows"))
    assert [frame.scores.tolist() for frame in frames[::2]] == [[score] for score in taken]
    assert [len(frame.boxes) for frame in frames[1::2]] == [0] * (len(scores) - 1)


@pytest.mark.parametrize("tracker", ["sort", "default"])
def test_writes_tracked_boxes_in_full_precision(
    tracker: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "det.txt"
    file.write_text("".join(f"{n},-1,{10 + n / 3},20,30,40,0.95\n" for n in range(1, 8)))
    assert main([str(file), "--tracker", tracker]) == 0
    written = parse(capsys.readouterr().out, "output")
    tracked = track(detections_of(read(file)), tracker)
    assert written.ids.tolist() == [one for frame in tracked for one in frame.ids.tolist()]
    assert len(written.ids) >= 5
    boxes = np.concatenate([frame.boxes for frame in tracked])
    np.testing.assert_allclose(written.boxes, boxes, rtol=1e-14)


def test_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "det.txt"
    file.write_text(rows(0.5, math.nan))
    assert main([str(file)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"{file}, line 2: the confidence must be a finite number")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (Settings(frame_rate=0), "--frame-rate"),
        (Settings(frame_rate=math.nan), "--frame-rate"),
        (Settings(frame_rate=math.inf), "--frame-rate"),
        (Settings(high_score=1.01), "--high-score"),
        (Settings(new_score=math.nan), "--new-score"),
    ],
)
def test_settings_out_of_range_are_refused(settings: Settings, name: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{name} must be"):
        track([], "default", settings)
