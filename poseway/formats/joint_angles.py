"""Joint angles in the image plane.

An angle that is not seen from the side is foreshortened: these are the angles in the image, not of
the body. ``docs/formats.md`` defines them for users.
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
"""The three keypoints of each joint's angle; the second one is its vertex."""

NAMES: Final = (*JOINTS, "trunk")
"""Names of the angles, in the order of `angles`."""

_FIRST, _AT, _LAST = (
    [KEYPOINTS.index(names[part]) for names in JOINTS.values()] for part in range(3)
)
_HIPS: Final = [KEYPOINTS.index("left_hip"), KEYPOINTS.index("right_hip")]
_NECK: Final = KEYPOINTS.index("neck")
_UP: Final = np.array([0.0, -1.0])


def angles(places: NDArray[np.float64], pixel_aspect: float = 1.0) -> NDArray[np.float64]:
    """Measures the angles of poses.

    Args:
        places: x and y of the keypoints in pixels, y downwards, NaN for a missing keypoint; shape
            (..., 18, 2).
        pixel_aspect: Width of a pixel divided by its height.

    Returns:
        Degrees, 0 to 180, of each of `NAMES`; shape (..., 9). NaN if a keypoint is missing or two
        keypoints coincide.
    """
    square = places * np.array([pixel_aspect, 1.0])
    at = square[..., _AT, :]
    joints = _between(square[..., _FIRST, :] - at, square[..., _LAST, :] - at)
    spine = square[..., _NECK, :] - square[..., _HIPS, :].mean(axis=-2)
    return np.concatenate([joints, _between(spine, _UP)[..., None]], axis=-1)


def _between(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Computes the degrees between vectors of shape (..., 2); NaN if one of them is zero."""
    cross = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    dot = (a * b).sum(axis=-1)
    # Exact near 0 and 180 degrees, unlike the arc cosine.
    degrees = np.degrees(np.arctan2(np.abs(cross), dot))
    return np.where((cross == 0) & (dot == 0), np.nan, degrees)
