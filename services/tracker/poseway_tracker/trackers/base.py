"""The interface of trackers: detections in, ids out."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError
from poseway.skeleton import KEYPOINTS
from poseway_tracker.trackers.boxes import MAX_COORDINATE, Boxes, check_boxes
from poseway_tracker.trackers.clock import FrameTime

Poses: TypeAlias = NDArray[np.float64]
"""float64 (n, 18, 3): x, y in pixels and score of each keypoint; score 0 means not detected."""

MARGIN: Final = 0.15
"""Margin of a pose's box on every side, as a share of the longer side of its keypoints."""

MIN_MARGIN: Final = 4.0
"""Least margin in pixels."""


class Detections(NamedTuple):
    """The n detections of a frame.

    Attributes:
        boxes: float64 (n, 4): left, top, right, bottom in pixels.
        scores: float64 (n,): confidence in each detection.
        keypoints: float64 (n, 18, 3), see `Poses`; None if only boxes are known.
    """

    boxes: Boxes
    scores: NDArray[np.float64]
    keypoints: Poses | None = None

    def check(self) -> None:
        """Checks what every tracker relies on.

        Raises:
            InvalidRequestError: A box is invalid (see `check_boxes`), or a score is missing or not
                finite.
        """
        check_boxes(self.boxes)
        if self.scores.shape != self.boxes.shape[:1] or not np.isfinite(self.scores).all():
            raise InvalidRequestError("Every box must have a score, a finite number.")

    @classmethod
    def of_poses(cls, keypoints: Poses, scores: NDArray[np.float64]) -> "Detections":
        """Makes detections of poses, with boxes around them.

        Raises:
            InvalidRequestError: A pose is invalid; see `pose_boxes`.
        """
        return cls(pose_boxes(keypoints), scores, keypoints)


class Tracked(NamedTuple):
    """The tracks of a frame's detections; row i belongs to detection i.

    Attributes:
        ids: int64 (n,): id of the track, or 0 if the detection has none that is shown.
        boxes: float64 (n, 4): the track's box as filtered. Rows with an id other than 0 are what
            the published SORT returns.
    """

    ids: NDArray[np.int64]
    boxes: Boxes


class Tracker(Protocol):
    """Gives the detections of one video ids."""

    def segment(
        self, frames: Sequence[Detections], frame_times: Sequence[FrameTime]
    ) -> list[Tracked]:
        """Tracks consecutive frames, including those without detections.

        Args:
            frames: The detections of each frame.
            frame_times: The time of each frame.

        Returns:
            The tracks of each frame's detections.

        Raises:
            InvalidRequestError: A detection is invalid; the tracker has not changed.
        """
        ...


def pose_boxes(keypoints: Poses) -> Boxes:
    """Returns the box around each pose's detected keypoints, with a margin.

    Without the margin, the box of a person seen from the side, or of a few keypoints in a line,
    would be too narrow to overlap with itself a frame later.

    Args:
        keypoints: float64 (n, 18, 3): x, y in pixels and score.

    Returns:
        float64 (n, 4): left, top, right, bottom in pixels.

    Raises:
        InvalidRequestError: The shape is wrong, a number is not finite or beyond `MAX_COORDINATE`,
            or a pose has no keypoint.
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
