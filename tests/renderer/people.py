"""People to draw."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.renderer.draw import Person

# x in parts of the height from the middle, y in parts of the height from the top.
_STANDING: Final = (
    (0.0, 0.10),
    (0.0, 0.20),
    (-0.10, 0.20),
    (-0.18, 0.35),
    (-0.24, 0.48),
    (0.10, 0.20),
    (0.18, 0.35),
    (0.24, 0.48),
    (-0.07, 0.50),
    (-0.08, 0.74),
    (-0.09, 0.98),
    (0.07, 0.50),
    (0.08, 0.74),
    (0.09, 0.98),
    (-0.03, 0.07),
    (0.03, 0.07),
    (-0.06, 0.09),
    (0.06, 0.09),
)


def keypoints(x: float, top: float, height: float) -> NDArray[np.float32]:
    """The keypoints of somebody who stands upright, all seen, float32 (18, 3)."""
    points = np.array(_STANDING) * height + (x, top)
    return np.column_stack((points.round(), np.ones(len(points)))).astype(np.float32)


def standing(track_id: int, x: float, top: float, height: float) -> Person:
    """Somebody who stands upright."""
    return Person(track_id, keypoints(x, top, height))
