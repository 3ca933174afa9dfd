"""What a tracker is given: the people or boxes of a frame."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError
from poseway.skeleton import KEYPOINTS
from poseway_tracker.trackers.boxes import MAX_COORDINATE, Boxes, check_boxes
from poseway_tracker.trackers.clock import Moment

Poses: TypeAlias = NDArray[np.float64]
"""float64 (n, 18, 3): x, y in pixels and score of each person's keypoints; score 0 is not seen."""

MARGIN: Final = 0.15
"""A pose's box is larger than its keypoints by this part of its longer side, on every side."""

MIN_MARGIN: Final = 4.0
"""And by this many pixels at least."""


class Detections(NamedTuple):
    """What was found in a frame.

    Attributes:
        boxes: float64 (n, 4): left, top, right, bottom of each.
        scores: float64 (n,): how certain each is.
        keypoints: float64 (n, 18, 3) where they are people, None where they are boxes only.
    """

    boxes: Boxes
    scores: NDArray[np.float64]
    keypoints: Poses | None = None

    def check(self) -> None:
        """Refuses what no tracker could digest.

        Raises:
            InvalidRequestError: A box is none (see `check_boxes`), or a score is not finite.
        """
        check_boxes(self.boxes)
        if self.scores.shape != self.boxes.shape[:1] or not np.isfinite(self.scores).all():
            raise InvalidRequestError("Every box must have a score that is a finite number.")

    @classmethod
    def of_poses(cls, keypoints: Poses, scores: NDArray[np.float64]) -> "Detections":
        """People with the boxes around them.

        Raises:
            InvalidRequestError: See `pose_boxes`.
        """
        return cls(pose_boxes(keypoints), scores, keypoints)


class Tracked(NamedTuple):
    """What became of the detections of a frame; row i is about detection i.

    Attributes:
        ids: int64 (n,): id of its track, or 0 where it belongs to none that is shown.
        boxes: float64 (n, 4): box of its track as the filter sees it. The rows whose id is not 0
            are what the published tracker returns.
    """

    ids: NDArray[np.int64]
    boxes: Boxes


class Tracker(Protocol):
    """What every tracker does."""

    def segment(self, frames: Sequence[Detections], moments: Sequence[Moment]) -> list[Tracked]:
        """Tracks consecutive frames; those without detections must be among them.

        Args:
            frames: What was found in each frame.
            moments: When each frame is shown.

        Raises:
            InvalidRequestError: A detection is none.
        """
        ...


def pose_boxes(keypoints: Poses) -> Boxes:
    """The box of each pose: around the keypoints that were seen, and a margin.

    The margin keeps the box of a person seen from the side, or of a few keypoints in a line, wide
    enough to overlap with itself a frame later.

    Args:
        keypoints: float64 (n, 18, 3): x, y, score.

    Returns:
        float64 (n, 4): left, top, right, bottom.

    Raises:
        InvalidRequestError: The shape is another, a number is not finite or beyond
            `MAX_COORDINATE`, or nothing was seen.
    """
    if keypoints.shape[1:] != (len(KEYPOINTS), 3):
        raise InvalidRequestError(f"Poses must have the shape (n, 18, 3), not {keypoints.shape}.")
    if not np.isfinite(keypoints).all():
        raise InvalidRequestError("A pose has a number that is not finite.")
    if (np.abs(keypoints) > MAX_COORDINATE).any():
        raise InvalidRequestError(f"A pose has a number beyond {MAX_COORDINATE:.0f}.")
    seen = keypoints[..., 2:] > 0
    if not seen.any(axis=1).all():
        raise InvalidRequestError("A pose has no keypoint with a score above 0.")
    low = np.where(seen, keypoints[..., :2], np.inf).min(axis=1)
    high = np.where(seen, keypoints[..., :2], -np.inf).max(axis=1)
    margin = np.maximum((high - low).max(axis=1, keepdims=True) * MARGIN, MIN_MARGIN)
    return np.concatenate([low - margin, high + margin], axis=1)
