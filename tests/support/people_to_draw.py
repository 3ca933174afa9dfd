"""People to draw."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway_renderer.drawing.people import Person

# x as a fraction of the height from the centre, y as a fraction of the height from the top.
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
    """Returns the keypoints of an upright person, all seen, float32 (18, 3)."""
    points = np.array(_STANDING) * height + (x, top)
    return np.column_stack((points.round(), np.ones(len(points)))).astype(np.float32)


def standing(track_id: int, x: float, top: float, height: float) -> Person:
    """Returns an upright person."""
    return Person(track_id, keypoints(x, top, height))


class Shots:
    """Keeps the images that it receives."""

    def __init__(self) -> None:
        self.screenshots: dict[int, bytes] = {}
        self.stills: dict[int, bytes] = {}

    def screenshot(self, index: int, jpeg: bytes) -> None:
        self.screenshots[index] = jpeg

    def still(self, track_id: int, jpeg: bytes) -> None:
        self.stills[track_id] = jpeg


def decoded(jpeg: bytes) -> NDArray[np.uint8]:
    """Decodes a JPEG: uint8 (height, width, 3) in BGR order."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8)
