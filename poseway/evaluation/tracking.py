"""``poseway evaluate-tracking``: tracks labelled sequences with what ships, and measures it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from poseway.errors import InvalidRequestError, PosewayError, ServiceError
from poseway.evaluation.mot_metrics import TrackingReport, measure, read_truth
from poseway.formats.mot import Rows, parse, read
from poseway.paths import ROOT

STDOUT: Final = Path("-")

_REFUSED: Final = 2


def run(
    detections: Path,
    ground_truth: Path,
    *,
    tracker: str | None,
    measures: Path | None,
    settings: Mapping[str, float | None],
) -> None:
    """Evaluates, prints the measures and writes them to a file.

    Args:
        detections: MOTChallenge's file of detections.
        ground_truth: Its file of labelled boxes.
        tracker: One of `trackers()`; None measures all, side by side.
        measures: Where the reports go as JSON; `STDOUT` moves the table to the standard error
            output.
        settings: Options of ``poseway_tracker.mot_cli``, by name; None leaves one as it ships.

    Raises:
        MotError: A file cannot be used.
        InvalidRequestError: A setting is out of range.
        ServiceError: The tracker breaks.
        PosewayError: `measures` cannot be written.
    """
    truth = read_truth(ground_truth)
    frames = max(truth.last, read(detections).last)
    names = [tracker] if tracker else trackers()
    reports = {
        name: measure(truth, track(detections, name, settings), frames, name) for name in names
    }
    console = Console(stderr=measures == STDOUT)
    console.print(table(list(reports.values())))
    console.print(
        f"{detections} with {ground_truth}: {frames} frames, {len(truth.frames)} labelled boxes",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    dumps = {name: report.model_dump() for name, report in reports.items()}
    _write(measures, json.dumps(dumps[tracker] if tracker else dumps, indent=2))


def trackers() -> list[str]:
    """Returns the names of the trackers, as the program that ships lists them."""
    return _run_tracker("--list").split()


def track(detections: Path, tracker: str, settings: Mapping[str, float | None]) -> Rows:
    """Tracks a file of detections with the program that ships.

    Raises:
        InvalidRequestError: There is no such tracker, or it rejects the file or a setting.
        ServiceError: The tracker crashed.
    """
    options = [
        f"--{name.replace('_', '-')}={value!r}"
        for name, value in settings.items()
        if value is not None
    ]
    tracked = _run_tracker(f"--tracker={tracker}", *options, "--", str(detections))
    return parse(tracked, f"The output of the tracker {tracker}")


def _run_tracker(*arguments: str) -> str:
    # -P: the working directory must not replace our modules.
    command = [sys.executable, "-P", "-m", "poseway_tracker.mot_cli", *arguments]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(  # noqa: S603 # our own program, without a shell
        command,
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        if done.returncode == _REFUSED:
            raise InvalidRequestError(last)
        raise ServiceError(f"The tracker crashed: {last}")
    return done.stdout


def table(reports: Sequence[TrackingReport]) -> Table:
    """The measures, a column a tracker."""
    shown = Table("Tracking", box=box.SIMPLE_HEAD)
    for report in reports:
        shown.add_column(report.tracker, justify="right")
    for label, name in (("MOTA %", "MOTA"), ("IDF1 %", "IDF1")):
        shown.add_row(label, *(f"{getattr(report, name):.2f}" for report in reports))
    for name in ("switches", "fragmentations", "false_positives", "misses"):
        shown.add_row(name.replace("_", " "), *(str(getattr(report, name)) for report in reports))
    return shown


def _write(path: Path | None, text: str) -> None:
    if path == STDOUT:
        sys.stdout.write(text + "\n")
    elif path:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        except OSError as error:
            message = f"{path} cannot be written: {error.strerror}."
            raise PosewayError(message, "not_written") from error
