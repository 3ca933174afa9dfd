"""``poseway evaluate``: shows how an evaluation goes and what it came to."""

import json
import sys
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from poseway.errors import PosewayError
from poseway.evaluation.coco import Labels
from poseway.evaluation.measure import evaluate

STDOUT: Final = Path("-")


def run(
    images: Path,
    annotations: Path,
    *,
    model: str | None,
    accurate: bool,
    measures: Path | None,
    detections: Path | None,
) -> None:
    """Evaluates, prints the measures and writes them to files.

    Args:
        images: Folder of the images.
        annotations: COCO's annotation file.
        model: Name of a model; None takes the default.
        accurate: Look in several scales and mirrored.
        measures: Where the report goes as JSON; `STDOUT` moves all that is for people to the
            standard error output.
        detections: Where the people that were found go, in COCO's result format.

    Raises:
        PosewayError: Anything that `evaluate` and `Labels.load` raise, or a file that cannot be
            written.
    """
    console = Console(stderr=measures == STDOUT)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    labels = Labels.load(annotations)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("images", total=len(labels.images))
        report, found = evaluate(
            images,
            labels,
            model=model,
            accurate=accurate,
            tell=lambda done: bars.update(bar, completed=done),
        )
    console.print(report.table())
    console.print(report.summary(), markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print("[yellow]Nobody was found in any image.[/]")
    if measures:
        _write(measures, report.model_dump_json(indent=2))
    if detections:
        _write(detections, json.dumps(found))


def _write(path: Path, text: str) -> None:
    if path == STDOUT:
        sys.stdout.write(text + "\n")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    except OSError as error:
        raise PosewayError(f"{path} cannot be written: {error.strerror}.", "not_written") from error
