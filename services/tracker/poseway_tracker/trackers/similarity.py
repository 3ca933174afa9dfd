"""Similarity of people: object keypoint similarity and widened boxes."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseway_tracker.trackers.base import Poses
from poseway_tracker.trackers.boxes import Boxes

# COCO's constants k = 2 sigma per keypoint; COCO has no neck, which gets the shoulders' value.
_ARMS: Final = (0.079, 0.072, 0.062)
_LEGS: Final = (0.107, 0.087, 0.089)
_K: Final = 2 * np.array([0.026, 0.079, *_ARMS, *_ARMS, *_LEGS, *_LEGS, 0.025, 0.025, 0.035, 0.035])
_LOOSE: Final = 2.0
"""Factor on COCO's constants, which allow for imprecise labels but not for motion."""

_LEAST_AREA: Final = 1e-6
"""Least area in square pixels; the filter may shrink a box to a point."""

_LEAST_SHARED: Final = 3
"""With fewer common keypoints a similarity is meaningless."""


def oks(first: Poses, second: Poses, areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the object keypoint similarity of every pose of one set with every pose of another.

    As COCO defines it (cocodataset.org/#keypoints-eval), the similarity is the mean of
    exp(-d^2 / (2 s^2 k^2)) over the common keypoints, here with the constants k doubled.

    Args:
        first: float64 (n, 18, 3): x, y in pixels and score.
        second: float64 (m, 18, 3).
        areas: float64 (m,): s^2 of each pose of the second set, in square pixels.

    Returns:
        float64 (n, m), 0..1; NaN for fewer than three common keypoints.
    """
    shared = (first[:, None, :, 2] > 0) & (second[None, :, :, 2] > 0)
    squares = np.square(first[:, None, :, :2] - second[None, :, :, :2]).sum(axis=-1)
    scaled = squares / (2 * np.square(_LOOSE * _K) * np.maximum(areas, _LEAST_AREA)[None, :, None])
    count = shared.sum(axis=-1)
    total: NDArray[np.float64] = np.where(shared, np.exp(-scaled), 0.0).sum(axis=-1)
    similarity: NDArray[np.float64] = np.full(count.shape, np.nan)
    np.divide(total, count, out=similarity, where=count >= _LEAST_SHARED)
    return similarity


def widened(boxes: Boxes, share: float) -> Boxes:
    """Widens boxes on every side by a share of their width and height."""
    margin = share * (boxes[:, 2:] - boxes[:, :2])
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)
