"""Tracks a MOTChallenge file: ``python -m poseway_tracker.mot_cli det.txt --tracker sort``.

Writes one row ``frame,id,left,top,width,height,1,-1,-1,-1`` per tracked box to standard output, for
frame 1 to the last frame with a detection. ``--list`` writes the names of the trackers instead.
"""

import argparse
import sys
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from poseway.errors import InvalidRequestError, PosewayError
from poseway.formats.mot import Rows, read, row
from poseway_tracker.trackers import TRACKERS
from poseway_tracker.trackers.base import Detections, Tracked
from poseway_tracker.trackers.clock import REFERENCE_RATE, even
from poseway_tracker.trackers.thresholds import BOXES

_MAX_FRAME_RATE: Final = 100_000
_HELP: Final = {
    "frame_rate": "frames per second (%(default)g)",
    "high_score": "least score of a certain detection (%(default)g); not for sort",
    "new_score": "least score of a detection that may begin a track (%(default)g); not for sort",
}


class Settings(NamedTuple):
    """Settings of the default tracker. SORT runs as published and ignores them.

    Attributes:
        frame_rate: Frames per second.
        high_score: Minimum score of a certain detection, 0..1.
        new_score: Minimum score of a detection that may begin a track, 0..1.
    """

    frame_rate: float = 25.0
    high_score: float = BOXES.high_score
    new_score: float = BOXES.new_score

    def check(self) -> None:
        """Checks the ranges.

        Raises:
            InvalidRequestError: A setting is out of range.
        """
        if not 0 < self.frame_rate <= _MAX_FRAME_RATE:
            raise InvalidRequestError(
                f"--frame-rate must be above 0 and at most {_MAX_FRAME_RATE}, "
                f"not {self.frame_rate:g}."
            )
        for name, score in (("high", self.high_score), ("new", self.new_score)):
            if not 0 <= score <= 1:
                raise InvalidRequestError(f"--{name}-score must be in 0..1, not {score:g}.")


def detections_of(rows: Rows) -> list[Detections]:
    """Returns the detections of every frame from 1 to the last one in the file.

    If any score lies outside 0..1, the scores are not probabilities: some detectors write -1
    everywhere, others unbounded scores. No threshold fits those, so they all become 1.
    """
    scores = rows.confidences
    if scores.min() < 0 or scores.max() > 1:
        rows = rows._replace(confidences=np.ones_like(scores))
    return [Detections(frame.boxes, frame.confidences) for frame in rows.by_frame(rows.last)]


def track(
    frames: list[Detections], tracker: str, settings: Settings | None = None
) -> list[Tracked]:
    """Tracks the boxes of a video.

    Args:
        frames: The detections of every frame.
        tracker: One of `TRACKERS`.
        settings: Settings of the default tracker; None for its defaults.

    Returns:
        The boxes of each frame that have an id.

    Raises:
        InvalidRequestError: A box is invalid, or a setting is out of range.
    """
    settings = settings or Settings()
    settings.check()
    kind = TRACKERS[tracker]
    rate = REFERENCE_RATE if kind.counts_frames else settings.frame_rate
    thresholds = BOXES._replace(high_score=settings.high_score, new_score=settings.new_score)
    tracked = kind.begin_boxes(thresholds).segment(frames, even(len(frames), rate))
    return [Tracked(one.ids[one.ids > 0], one.boxes[one.ids > 0]) for one in tracked]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns 2 if the request is invalid, with the reason on standard error."""
    parser = argparse.ArgumentParser(
        "poseway_tracker.mot_cli", description="Tracks the boxes of a MOTChallenge file."
    )
    parser.add_argument("detections", type=Path, nargs="?", help="file of detections")
    parser.add_argument("--list", action="store_true", help="write the trackers' names and exit")
    parser.add_argument("--tracker", choices=TRACKERS, default="default", help="which tracker")
    for name, default in Settings()._asdict().items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=float, default=default, help=_HELP[name])
    given = vars(parser.parse_args(arguments))
    path, tracker = given.pop("detections"), given.pop("tracker")
    if given.pop("list"):
        sys.stdout.writelines(f"{name}\n" for name in TRACKERS)
        return 0
    if path is None:
        parser.error("the following arguments are required: detections")
    try:
        tracked = track(detections_of(read(path)), tracker, Settings(**given))
    except PosewayError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    for frame, (ids, boxes) in enumerate(tracked, start=1):
        for box_id, box in zip(ids.tolist(), boxes.tolist(), strict=True):
            sys.stdout.write(row(frame, box_id, box))
    return 0


if __name__ == "__main__":
    sys.exit(main())
