"""The tracker of people: SORT on the boxes around their keypoints."""

from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError
from poseway.skeleton import KEYPOINTS
from services.tracker import state
from services.tracker.boxes import Boxes
from services.tracker.sort import Sort

MARGIN: Final = 0.15
"""A pose's box is larger than its keypoints by this part of its longer side, on every side."""

MIN_MARGIN: Final = 4.0
"""And by this many pixels at least."""


class PoseTracker:
    """Gives the people of one video identities, frame by frame."""

    def __init__(self, max_age: int, iou_threshold: float) -> None:
        """Begins a video.

        Args:
            max_age: Frames that a person may be unseen and keep the id.
            iou_threshold: Least overlap of a person's box with where it is expected.
        """
        # A person who is seen must be drawn, so nobody waits for an id: with `min_hits` above 0
        # SORT would hide the first frames of everyone who comes in or comes back.
        self._sort = Sort(max_age, min_hits=0, iou_threshold=iou_threshold)
        self._last_frame: int | None = None

    @classmethod
    def resume(cls, saved: bytes) -> Self:
        """Goes on where another tracker stood, with that tracker's settings.

        Args:
            saved: What `save` gave.

        Raises:
            InvalidRequestError: It cannot be read.
        """
        sort, last_frame = state.load(saved)
        tracker = cls(sort.max_age, sort.iou_threshold)
        tracker._sort, tracker._last_frame = sort, last_frame
        return tracker

    def save(self) -> bytes:
        """All that the tracker remembers; `resume` gives the same ids as going on would."""
        return state.dump(self._sort, self._last_frame)

    def update(self, frame_index: int, keypoints: NDArray[np.float64]) -> NDArray[np.int64]:
        """Tracks the people of the next frame.

        Args:
            frame_index: Index of the frame; one more than the frame before it had.
            keypoints: float64 (n, 18, 3): x, y in pixels and score of each person's keypoints; n
                may be 0.

        Returns:
            int64 (n,): id of each person, from 1, no two the same.

        Raises:
            InvalidRequestError: The frame is out of order, a number is not finite, or a person has
                no keypoint; the tracker is as it was before.
        """
        if frame_index < 0:
            raise InvalidRequestError(f"Frame {frame_index}: frames are counted from 0.")
        if self._last_frame is not None and frame_index != self._last_frame + 1:
            raise InvalidRequestError(
                f"Frame {frame_index} came after frame {self._last_frame}. "
                "Send every frame once and in order, those without people too."
            )
        try:
            ids = self._sort.update(pose_boxes(keypoints)).ids
        except InvalidRequestError as error:
            raise InvalidRequestError(f"Frame {frame_index}: {error.message}") from error
        self._last_frame = frame_index
        return ids


def pose_boxes(keypoints: NDArray[np.float64]) -> Boxes:
    """The box of each pose: around the keypoints that were seen, and a margin.

    The margin keeps the box of a person seen from the side, or of a few keypoints in a line, wide
    enough to overlap with itself a frame later.

    Args:
        keypoints: float64 (n, 18, 3): x, y, score.

    Returns:
        float64 (n, 4): left, top, right, bottom.

    Raises:
        InvalidRequestError: The shape is another, a number is not finite, or nothing was seen.
    """
    if keypoints.shape[1:] != (len(KEYPOINTS), 3):
        raise InvalidRequestError(f"Poses must have the shape (n, 18, 3), not {keypoints.shape}.")
    if not np.isfinite(keypoints).all():
        raise InvalidRequestError("A pose has a number that is not finite.")
    seen = keypoints[..., 2:] > 0
    if not seen.any(axis=1).all():
        raise InvalidRequestError("A pose has no keypoint with a score above 0.")
    low = np.where(seen, keypoints[..., :2], np.inf).min(axis=1)
    high = np.where(seen, keypoints[..., :2], -np.inf).max(axis=1)
    margin = np.maximum((high - low).max(axis=1, keepdims=True) * MARGIN, MIN_MARGIN)
    return np.concatenate([low - margin, high + margin], axis=1)
