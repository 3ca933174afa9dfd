"""``poseway evaluate`` and ``poseway evaluate-tracking``."""

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
        Path, typer.Option(help="Their COCO keypoints, JSON.", exists=True, dir_okay=False)
    ],
    model: Annotated[str | None, typer.Option(help="Which model finds the people.")] = None,
    accurate: Annotated[
        bool, typer.Option("--accurate", help="Find more people; takes several times longer.")
    ] = False,
    json: Annotated[
        Path | None, typer.Option(help="Write the measures here, in 0..1; - for the output.")
    ] = None,
    detections: Annotated[
        Path | None,
        typer.Option(help="Write the people here, in COCO's result format; - likewise."),
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
    detections: Annotated[Path, typer.Option(help="Boxes to track, MOTChallenge's format.")],
    ground_truth: Annotated[Path, typer.Option(help="The labelled boxes, likewise.")],
    tracker: Annotated[
        str | None, typer.Option(help="Tracker to measure, such as sort; all if not given.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write the measures here; - for the output.")
    ] = None,
    frame_rate: Annotated[float | None, typer.Option(help="Frames a second (25).")] = None,
    high_score: Annotated[
        float | None, typer.Option(help="Least score of who is certain; not for sort.")
    ] = None,
    new_score: Annotated[
        float | None, typer.Option(help="Least score of who may begin a track; not for sort.")
    ] = None,
) -> None:
    """Measures the tracker: MOTA, IDF1 and switches of ids on a labelled sequence."""
    stop_on_sigterm()
    try:
        from poseway.evaluation import tracking
    except ModuleNotFoundError as error:
        message = f"{error.name} is not installed. Run `make evaluate-tracking`."
        fail(PosewayError(message, "not_installed"))
    settings = {"frame_rate": frame_rate, "high_score": high_score, "new_score": new_score}
    try:
        tracking.run(detections, ground_truth, tracker=tracker, measures=json, settings=settings)
    except PosewayError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
