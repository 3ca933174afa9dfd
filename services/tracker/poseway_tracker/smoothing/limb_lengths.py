"""Limb lengths: estimates a person's height and rejects keypoints that no such body could have.

A limb seen at an angle looks shorter than it is, never longer. Each limb is therefore a lower bound
on the height, and a limb much longer than the others suggest ends at a wrong keypoint.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import KEYPOINTS, LIMBS

LENGTHS: Final = np.array(
    [
        *(0.129, 0.129),  # neck to shoulder: half the biacromial width
        *(0.186, 0.146),  # upper arm, forearm
        *(0.186, 0.146),
        *(0.303, 0.245, 0.246),  # neck to hip, diagonally; thigh; shank
        *(0.303, 0.245, 0.246),
        0.140,  # neck to nose
        *(0.040, 0.060),  # nose to eye, eye to ear
        *(0.040, 0.060),
    ]
)
"""Length of each limb of the skeleton, as a share of the body height.

The values of the body are from Drillis and Contini (1966), as given by Winter (Biomechanics and
Motor Control of Human Movement, 4th edition 2009, figure 4.1). The figure lacks those of the head,
which are near the 90th percentile of 1,900 poses found in videos.
"""

MIN_LIMBS: Final = 4
"""Fewer limbs than this give no reliable height."""

TOLERANCE: Final = 1.75
"""Factor by which a limb may be longer than expected; people differ, and heights are estimates."""

_QUANTILE: Final = 0.65
_INNER, _OUTER = np.array(LIMBS).T
_NECK: Final = KEYPOINTS.index("neck")
_PARENTS: Final = {outer: inner for inner, outer in LIMBS}


def _depth(keypoint: int) -> int:
    return 0 if keypoint == _NECK else 1 + _depth(_PARENTS[keypoint])


# The limbs by their distance from the neck. A level depends only on the levels before it.
_LEVELS: Final = [
    np.array([limb for limb, (_, outer) in enumerate(LIMBS) if _depth(outer) == depth])
    for depth in range(1, 1 + max(map(_depth, range(len(KEYPOINTS)))))
]


def body_heights(keypoints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimates body heights from limb lengths.

    The estimate is the 65th percentile of the heights that the limbs suggest. The median would be
    too small, because most limbs look shorter than they are. The maximum could come from a wrong
    keypoint, and a wrong neck affects five limbs.

    Args:
        keypoints: float64 (n, 18, 3): x, y in pixels and score; score 0 means not detected.

    Returns:
        float64 (n,): heights in pixels; 0 for fewer than `MIN_LIMBS` limbs.
    """
    seen = keypoints[..., 2] > 0
    whole = seen[:, _OUTER] & seen[:, _INNER]
    lengths = _distances(keypoints[:, _OUTER, :2], keypoints[:, _INNER, :2])
    ordered = np.sort(np.where(whole, lengths / LENGTHS, np.inf), axis=1)
    count = whole.sum(axis=1)
    rank = (_QUANTILE * np.maximum(count - 1, 0)).astype(np.intp)
    chosen = np.take_along_axis(ordered, rank[:, None], axis=1)[:, 0]
    return np.where(count >= MIN_LIMBS, chosen, 0.0)


def possible(keypoints: NDArray[np.float64], heights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Finds the keypoints that a body of the given height could have.

    Works from the neck outward. The anchor of a keypoint is the nearest possible keypoint on the
    way to the neck. A keypoint is impossible if its distance from the anchor exceeds `TOLERANCE`
    times the length of all limbs in between; without an anchor it is accepted. If the neck is too
    far from most of its neighbours, the neck itself is impossible.

    Args:
        keypoints: float64 (n, 18, 3): x, y in pixels and score; score 0 means not detected.
        heights: float64 (n,): body heights in pixels; 0 accepts all keypoints.

    Returns:
        bool (n, 18): which keypoints are detected and possible.
    """
    places, kept = keypoints[..., :2], keypoints[..., 2] > 0
    allowed = np.where(heights > 0, heights, np.inf)[:, None] * TOLERANCE
    kept[:, _NECK] &= ~_neck_is_wrong(places, kept, allowed)
    anchors, anchored = places.copy(), kept.copy()
    reach = np.zeros(kept.shape)
    for limbs in _LEVELS:
        outer, inner = _OUTER[limbs], _INNER[limbs]
        far = LENGTHS[limbs] + reach[:, inner]
        wrong = _distances(places[:, outer], anchors[:, inner]) > far * allowed
        kept[:, outer] &= ~(wrong & anchored[:, inner])
        # A possible keypoint anchors the next limbs; an impossible one passes its anchor on.
        here = kept[:, outer]
        anchors[:, outer] = np.where(here[..., None], places[:, outer], anchors[:, inner])
        reach[:, outer] = np.where(here, 0.0, far)
        anchored[:, outer] = here | anchored[:, inner]
    return kept


def _neck_is_wrong(
    places: NDArray[np.float64], seen: NDArray[np.bool_], allowed: NDArray[np.float64]
) -> NDArray[np.bool_]:
    limbs = _LEVELS[0]
    neighbours = seen[:, _OUTER[limbs]]
    lengths = _distances(places[:, _OUTER[limbs]], places[:, [_NECK]])
    far = neighbours & (lengths > LENGTHS[limbs] * allowed)
    most: NDArray[np.bool_] = (far.sum(axis=1) >= 2) & (
        2 * far.sum(axis=1) > neighbours.sum(axis=1)
    )
    return most


def _distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    # Not np.hypot: sums, products and roots round the same at any position in an array, so a pose
    # gives the same result whatever else is in the batch.
    x, y = first[..., 0] - second[..., 0], first[..., 1] - second[..., 1]
    distances: NDArray[np.float64] = np.sqrt(x * x + y * y)
    return distances
