"""Tracks a MOTChallenge file: ``python -m poseway_tracker.mot_cli det.txt --tracker sort``.

Writes a row ``frame,id,left,top,width,height,1,-1,-1,-1`` per tracked box to the standard output,
for the frames from 1 to the last with a detection.
"""

import argparse
import sys
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from poseway.errors import InvalidRequestError, PosewayError
from poseway.formats.mot import Rows, read, row
from poseway_tracker.trackers.base import Detections, Tracked, Tracker
from poseway_tracker.trackers.clock import REFERENCE_RATE, even
from poseway_tracker.trackers.pose_tracker import PeopleTracker
from poseway_tracker.trackers.sort import Sort
from poseway_tracker.trackers.thresholds import BOXES

TRACKERS: Final = ("sort", "default")

_MAX_FRAME_RATE: Final = 100_000
_MAX_AGE_SECONDS: Final = 1.0


class Settings(NamedTuple):
    """How the default tracker goes about it; SORT has the published settings.

    Attributes:
        frame_rate: Frames a second.
        high_score: Least score of who is certain.
        new_score: Least score of who may begin a track.
    """

    frame_rate: float = 25.0
    high_score: float = BOXES.high_score
    new_score: float = BOXES.new_score

    def check(self) -> None:
        """Refuses numbers out of range.

        Raises:
            InvalidRequestError: One is.
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
    """The detections of every frame up to the last.

    Where a score of the file is outside 0..1 they are no probabilities (-1 where a detector gives
    none, or an unbounded score), so that no threshold fits them: then all count as 1.
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
        frames: What was found in every frame.
        tracker: One of `TRACKERS`.
        settings: Those of the default tracker; None for those it ships with.

    Returns:
        The boxes of each frame that are shown, all with an id from 1.

    Raises:
        InvalidRequestError: A box is none, or a setting is out of range.
    """
    settings = settings or Settings()
    settings.check()
    # The published SORT counts frames, whatever their rate.
    rate = REFERENCE_RATE if tracker == "sort" else settings.frame_rate
    moments = even(len(frames), rate)
    tracked = _tracker(tracker, settings).segment(frames, moments)
    return [Tracked(one.ids[one.ids > 0], one.boxes[one.ids > 0]) for one in tracked]


def _tracker(name: str, settings: Settings) -> Tracker:
    if name == "sort":
        return Sort()
    thresholds = BOXES._replace(high_score=settings.high_score, new_score=settings.new_score)
    return PeopleTracker(_MAX_AGE_SECONDS, thresholds)


def main(arguments: list[str] | None = None) -> int:
    """Runs the program; returns 2 where the request is wrong, with the reason on standard error."""
    parser = argparse.ArgumentParser("poseway_tracker.mot_cli", description="Tracks boxes.")
    parser.add_argument("detections", type=Path)
    parser.add_argument("--tracker", choices=TRACKERS, default="default")
    for name, default in Settings()._asdict().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=default)
    given = vars(parser.parse_args(arguments))
    path, tracker = given.pop("detections"), given.pop("tracker")
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
