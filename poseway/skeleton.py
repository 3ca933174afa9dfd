"""The skeleton: OpenPose's 18 COCO keypoints, the limbs between them, and the colours drawn."""

import colorsys
from typing import Final

KEYPOINTS: Final = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)
"""Names of the keypoints; their order is the order of every keypoint array."""

COCO_KEYPOINTS: Final = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""COCO's 17 keypoints in the order of its files: all of `KEYPOINTS` except the neck."""

LIMBS: Final = (
    (1, 2),
    (1, 5),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)
"""Pairs of keypoint indices that form the limbs, in OpenPose's order."""

COLOURS: Final = (
    (255, 0, 85),
    (255, 0, 0),
    (255, 85, 0),
    (255, 170, 0),
    (255, 255, 0),
    (170, 255, 0),
    (85, 255, 0),
    (0, 255, 0),
    (0, 255, 85),
    (0, 255, 170),
    (0, 255, 255),
    (0, 170, 255),
    (0, 85, 255),
    (0, 0, 255),
    (255, 0, 170),
    (170, 0, 255),
    (255, 0, 255),
    (85, 0, 255),
)
"""RGB of each keypoint; a limb has the colour of its second keypoint, as in OpenPose."""

_HUE_STEP: Final = 0.618034
"""Fraction of the colour circle between consecutive ids: the golden ratio less one, so that any
number of consecutive ids look different."""
_SATURATION: Final = 0.72
_VALUE: Final = 0.95


def track_colour(track_id: int) -> tuple[int, int, int]:
    """Returns the RGB, each 0 to 255, of everything drawn for a track rather than for a keypoint.

    The page computes the same colour in ``frontend/result/skeleton.js``.
    """
    red, green, blue = colorsys.hsv_to_rgb(track_id * _HUE_STEP % 1, _SATURATION, _VALUE)
    return round(red * 255), round(green * 255), round(blue * 255)
