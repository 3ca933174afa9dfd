"""Joint angles in the plane of the picture.

An angle that is seen from elsewhere than from the side is foreshortened: these are the angles of
the picture, not of the body. Their definitions for users are in ``docs/formats.md``.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import KEYPOINTS

JOINTS: Final = {
    f"{side}_{joint}": tuple(f"{side}_{name}" for name in names)
    for joint, names in {
        "elbow": ("shoulder", "elbow", "wrist"),
        "shoulder": ("elbow", "shoulder", "hip"),
        "hip": ("shoulder", "hip", "knee"),
        "knee": ("hip", "knee", "ankle"),
    }.items()
    for side in ("left", "right")
}
"""Keypoints of each joint's angle, which is at the second, between the other two."""

NAMES: Final = (*JOINTS, "trunk")
"""The angles, in the order of `angles`."""

_FIRST, _AT, _LAST = (
    [KEYPOINTS.index(names[part]) for names in JOINTS.values()] for part in range(3)
)
_HIPS: Final = [KEYPOINTS.index("left_hip"), KEYPOINTS.index("right_hip")]
_NECK: Final = KEYPOINTS.index("neck")
_UP: Final = np.array([0.0, -1.0])


def angles(places: NDArray[np.float64], pixel_aspect: float = 1.0) -> NDArray[np.float64]:
    """Measures the angles of poses.

    Args:
        places: x and y of the keypoints in pixels, y down, NaN where there is none; the shape is
            (..., 18, 2).
        pixel_aspect: Width of the pixels by their height.

    Returns:
        Degrees, 0 to 180, of each of `NAMES`; the shape is (..., 9). NaN where a keypoint is
        missing or two are at the same place.
    """
    square = places * np.array([pixel_aspect, 1.0])
    at = square[..., _AT, :]
    joints = _between(square[..., _FIRST, :] - at, square[..., _LAST, :] - at)
    spine = square[..., _NECK, :] - square[..., _HIPS, :].mean(axis=-2)
    return np.concatenate([joints, _between(spine, _UP)[..., None]], axis=-1)


def _between(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Degrees between vectors of the shape (..., 2); NaN where one is zero."""
    cross = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    dot = (a * b).sum(axis=-1)
    # Exact near 0 and 180, where the arc cosine is not.
    degrees = np.degrees(np.arctan2(np.abs(cross), dot))
    return np.where((cross == 0) & (dot == 0), np.nan, degrees)
