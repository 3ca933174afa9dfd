"""The commands ``poseway evaluate`` and ``poseway evaluate-tracking``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from poseway.cli.terminal import fail, stop_on_sigterm
from poseway.errors import PosewayError
from poseway.local.ports import bypass_proxies


def evaluate(
    images: Annotated[
        Path, typer.Option(help="Folder of the labelled images.", exists=True, file_okay=False)
    ],
    annotations: Annotated[
        Path,
        typer.Option(
            help="COCO annotation file with their keypoints.", exists=True, dir_okay=False
        ),
    ],
    model: Annotated[
        str | None, typer.Option(help="Model to measure; the default model if not given.")
    ] = None,
    accurate: Annotated[
        bool,
        typer.Option(
            "--accurate", help="Detect more people, at several times the processing time."
        ),
    ] = False,
    json: Annotated[
        Path | None, typer.Option(help="File for the measures, 0 to 1; - for standard output.")
    ] = None,
    detections: Annotated[
        Path | None,
        typer.Option(
            help="File for the detected people in COCO's result format; - for standard output."
        ),
    ] = None,
) -> None:
    """Measures a model: COCO's average precision on labelled images."""
    stop_on_sigterm()
    bypass_proxies()
    try:
        from poseway.cli import evaluation
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed. Run `make evaluate`."
        fail(PosewayError(message, "not_installed"))
    try:
        evaluation.run(
            images,
            annotations,
            model=model,
            accurate=accurate,
            measures=json,
            detections=detections,
        )
    except PosewayError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)


def evaluate_tracking(
    detections: Annotated[Path, typer.Option(help="Boxes to track, in MOTChallenge's format.")],
    ground_truth: Annotated[Path, typer.Option(help="Labelled boxes, in the same format.")],
    tracker: Annotated[
        str | None, typer.Option(help="Tracker to measure, such as sort; all of them if not given.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="File for the measures; - for standard output.")
    ] = None,
    frame_rate: Annotated[
        float | None, typer.Option(help="Frames per second; 25 if not given.")
    ] = None,
    high_score: Annotated[
        float | None, typer.Option(help="Lowest score of a certain detection; sort ignores it.")
    ] = None,
    new_score: Annotated[
        float | None,
        typer.Option(help="Lowest score of a detection that may begin a track; sort ignores it."),
    ] = None,
) -> None:
    """Measures trackers: MOTA, IDF1 and id switches on a labelled sequence."""
    stop_on_sigterm()
    try:
        from poseway.cli import tracking_evaluation
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed. Run `make evaluate-tracking`."
        fail(PosewayError(message, "not_installed"))
    settings = {"frame_rate": frame_rate, "high_score": high_score, "new_score": new_score}
    try:
        tracking_evaluation.run(
            detections, ground_truth, tracker=tracker, measures=json, settings=settings
        )
    except PosewayError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
