"""``poseway evaluate``: shows how an evaluation goes and what it came to."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from poseway.errors import InvalidRequestError, PosewayError
from poseway.evaluation.coco_metrics import Labels
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
        detections: Where the people that were found go, in COCO's result format; `STDOUT` likewise.

    Raises:
        InvalidRequestError: Both are to go to the same place.
        PosewayError: Anything that `evaluate` and `Labels.load` raise, or a file that cannot be
            written.
    """
    if measures and measures == detections:
        raise InvalidRequestError(f"--json and --detections must not both be {measures}.")
    _check(measures)
    _check(detections)
    console = Console(stderr=STDOUT in (measures, detections))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    labels = Labels.load(annotations)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
    total = len(labels.images)
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("starting the inference service", total=None, note="")

        def tell(done: int) -> None:
            note = f"{done}/{total}"
            bars.update(bar, description="images", completed=done, total=total, note=note)

        report, found = evaluate(images, labels, model=model, accurate=accurate, tell=tell)
    console.print(report.table())
    console.print(report.summary(), markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print("[yellow]Nobody was found in any image.[/]")
    try:
        _write(measures, report.model_dump_json(indent=2))
    finally:
        _write(detections, json.dumps(found))


def _check(path: Path | None) -> None:
    """Sees to the folder of a file that is written in the end, before anything is started."""
    if path in (None, STDOUT):
        return
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise PosewayError(f"{path} cannot be written.", "not_written")


def _write(path: Path | None, text: str) -> None:
    if path == STDOUT:
        sys.stdout.write(text + "\n")
    elif path:
        with _naming(path):
            path.write_text(text + "\n")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PosewayError(f"{path} cannot be written: {error.strerror}.", "not_written") from error
