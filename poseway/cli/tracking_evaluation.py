"""``poseway evaluate-tracking``: shows the reports of an evaluation."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from poseway.cli.output_files import STDOUT, prepare, write
from poseway.evaluation.mot_metrics import TrackingReport
from poseway.evaluation.tracking import evaluate, trackers


def run(
    detections: Path,
    ground_truth: Path,
    *,
    tracker: str | None,
    measures: Path | None,
    settings: Mapping[str, float | None],
) -> None:
    """Evaluates trackers, prints their measures and writes them to a file.

    Args:
        detections: MOTChallenge's file of detections.
        ground_truth: Its file of labelled boxes.
        tracker: Name of a tracker; None measures all of them side by side.
        measures: File for the reports as JSON. `STDOUT` moves the table to standard error.
        settings: Settings of the tracker, as `evaluate` takes them.

    Raises:
        typer.BadParameter: There is no tracker of that name.
        PosewayError: Any error of `evaluate`, or `measures` cannot be written.
    """
    known = trackers()
    if tracker and tracker not in known:
        raise typer.BadParameter(f"There is no tracker {tracker!r}, only: {', '.join(known)}.")
    prepare(measures)
    reports = evaluate(detections, ground_truth, [tracker] if tracker else known, settings)
    console = Console(stderr=measures == STDOUT)
    console.print(_table(reports))
    console.print(
        f"{detections} with {ground_truth}: {reports[0].frames} frames, "
        f"{reports[0].boxes} labelled boxes",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    dumps = {report.tracker: report.model_dump() for report in reports}
    write(measures, json.dumps(dumps[tracker] if tracker else dumps, indent=2))


def _table(reports: Sequence[TrackingReport]) -> Table:
    """Makes a table of the measures, with a column for each tracker."""
    table = Table("Tracking", box=box.SIMPLE_HEAD)
    for report in reports:
        table.add_column(report.tracker, justify="right")
    for label, name in (("MOTA %", "MOTA"), ("IDF1 %", "IDF1")):
        table.add_row(label, *(f"{getattr(report, name):.2f}" for report in reports))
    for name in ("switches", "fragmentations", "false_positives", "misses"):
        table.add_row(name.replace("_", " "), *(str(getattr(report, name)) for report in reports))
    return table
