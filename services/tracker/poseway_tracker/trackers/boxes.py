"""Boxes: validity, overlap, and conversion to the filter's measurements."""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError

Boxes: TypeAlias = NDArray[np.float64]
"""float64 (n, 4): left, top, right, bottom in pixels."""

Measurements: TypeAlias = NDArray[np.float64]
"""float64 (n, 4): centre x, centre y, area, aspect (width / height)."""

MAX_COORDINATE: Final = 1e6
MIN_SIDE: Final = 1e-3
"""Within these bounds, in pixels, areas neither vanish nor get lost in rounding."""


def check_boxes(boxes: Boxes) -> None:
    """Checks that the filter can handle boxes.

    Raises:
        InvalidRequestError: A number is not finite or beyond `MAX_COORDINATE`, a side is shorter
            than `MIN_SIDE` or negative, or the shape is not (n, 4).
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InvalidRequestError(f"Boxes must have the shape (n, 4), not {boxes.shape}.")
    if not np.isfinite(boxes).all():
        raise InvalidRequestError("A box has a number that is not finite.")
    if (np.abs(boxes) > MAX_COORDINATE).any():
        raise InvalidRequestError(f"A box lies beyond {MAX_COORDINATE:.0f} pixels.")
    if (boxes[:, 2:] - boxes[:, :2] < MIN_SIDE).any():
        raise InvalidRequestError("A box's right and bottom must be larger than its left and top.")


def iou(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Returns the intersection over union of every box of one set with every box of another.

    Args:
        first: n boxes.
        second: m boxes.

    Returns:
        float64 (n, m), 0..1.
    """
    a, b = first[:, None], second[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    sides = np.maximum(sides, 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    union = _areas(first)[:, None] + _areas(second)[None] - intersection
    shares: NDArray[np.float64] = np.zeros_like(union)
    # The filter may shrink a box to a point, which has no area.
    np.divide(intersection, union, out=shares, where=union > 0)
    return shares


def measure(boxes: Boxes) -> Measurements:
    """Converts boxes to measurements."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    return np.stack(
        [boxes[:, 0] + width / 2, boxes[:, 1] + height / 2, width * height, width / height], axis=1
    )


def unmeasure(measurements: Measurements) -> Boxes:
    """Converts measurements back to boxes."""
    x, y, area, aspect = measurements.T
    width = np.sqrt(area * aspect)
    height = area / width
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)


def _areas(boxes: Boxes) -> NDArray[np.float64]:
    sides: NDArray[np.float64] = boxes[:, 2:] - boxes[:, :2]
    return sides[:, 0] * sides[:, 1]
