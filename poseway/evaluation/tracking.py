"""Tracks labelled sequences with the tracker service's own command, and measures the result."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from poseway.errors import InvalidRequestError, ServiceError
from poseway.evaluation.mot_metrics import TrackingReport, measure, read_truth
from poseway.formats.mot import Rows, parse, read
from poseway.paths import ROOT

_REFUSED: Final = 2
"""Exit code of the command if the detections or a setting are invalid."""


def trackers() -> list[str]:
    """Returns the names of all trackers.

    Raises:
        ServiceError: The tracker's command fails.
    """
    return _run("--list").split()


def evaluate(
    detections: Path,
    ground_truth: Path,
    names: Sequence[str],
    settings: Mapping[str, float | None],
) -> list[TrackingReport]:
    """Measures trackers on a sequence.

    Args:
        detections: MOTChallenge's file of detections.
        ground_truth: Its file of labelled boxes.
        names: Names of the trackers.
        settings: Options of ``poseway_tracker.mot_cli`` by name; None keeps the default.

    Returns:
        A report for each tracker, in the order of `names`.

    Raises:
        MotError: A file cannot be used.
        InvalidRequestError: A setting is out of range.
        ServiceError: A tracker fails.
    """
    truth = read_truth(ground_truth)
    frames = max(truth.last, read(detections).last)
    return [measure(truth, track(detections, name, settings), frames, name) for name in names]


def track(detections: Path, tracker: str, settings: Mapping[str, float | None]) -> Rows:
    """Tracks a file of detections.

    Raises:
        InvalidRequestError: The detections or a setting are invalid.
        ServiceError: The tracker fails.
    """
    options = [
        f"--{name.replace('_', '-')}={value!r}"
        for name, value in settings.items()
        if value is not None
    ]
    tracked = _run("--tracker", tracker, *options, "--", str(detections))
    return parse(tracked, f"Output of the tracker {tracker}")


def _run(*arguments: str) -> str:
    """Runs the tracker's command and returns its output."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(  # noqa: S603 # our own program, without a shell
        # -P: a file of that name in the working directory is not the tracker.
        [sys.executable, "-P", "-m", "poseway_tracker.mot_cli", *arguments],
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
        raise ServiceError(f"The tracker failed: {last}")
    return done.stdout
