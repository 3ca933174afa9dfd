"""``poseway evaluate``: shows the progress and the report of an evaluation."""

import json
import sys
from pathlib import Path

import structlog
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from poseway.cli.output_files import STDOUT, prepare, write
from poseway.errors import InvalidRequestError
from poseway.evaluation.coco_metrics import Labels
from poseway.evaluation.measure import evaluate
from poseway.evaluation.report import Report


def run(
    images: Path,
    annotations: Path,
    *,
    model: str | None,
    accurate: bool,
    measures: Path | None,
    detections: Path | None,
) -> None:
    """Evaluates a model, prints its measures and writes them to files.

    Args:
        images: Folder of the images.
        annotations: COCO's annotation file.
        model: Name of a model; None takes the default.
        accurate: Whether to run the model at several scales and mirrored.
        measures: File for the report as JSON. `STDOUT` moves the tables to standard error.
        detections: File for the detected people in COCO's result format. `STDOUT` likewise.

    Raises:
        InvalidRequestError: Both files are the same.
        PosewayError: Any error of `evaluate` and `Labels.load`, or a file cannot be written.
    """
    if measures and measures == detections:
        raise InvalidRequestError(f"--json and --detections must not both be {measures}.")
    prepare(measures)
    prepare(detections)
    console = Console(stderr=STDOUT in (measures, detections))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    labels = Labels.load(annotations)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
    total = len(labels.images)
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("starting the inference service", total=None, note="")

        def show(done: int) -> None:
            note = f"{done}/{total}"
            bars.update(bar, description="images", completed=done, total=total, note=note)

        report, found = evaluate(images, labels, model=model, accurate=accurate, progress=show)
    console.print(_table(report))
    console.print(_summary(report), markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print("[yellow]Nobody was found in any image.[/]")
    try:
        write(measures, report.model_dump_json(indent=2))
    finally:
        write(detections, json.dumps(found))


def _table(report: Report) -> Table:
    """Makes a table of the measures in percent."""
    table = Table("COCO keypoints", box=box.SIMPLE_HEAD)
    table.add_column("%", justify="right")
    for name in ("AP", "AP50", "AP75", "AR"):
        table.add_row(name, f"{100 * getattr(report, name):.1f}")
    return table


def _summary(report: Report) -> str:
    """Describes in a line how the measures were obtained."""
    how = ", accurate," if report.accurate else ""
    return (
        f"{report.images} images, {report.people} people found, "
        f"{report.milliseconds_per_image:.1f} ms an image with {report.model}{how} on "
        f"{report.device} ({report.engine}, {report.precision})"
    )
