"""How long limbs can be: a person's size, and keypoints that no body of that size could have.

A limb seen at an angle looks shorter than it is, never longer. So every limb says how large its
person is at least, and a limb much longer than the others allow ends in a wrong place.
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
        *(0.303, 0.245, 0.246),  # neck to hip, aslant; thigh; shank
        *(0.303, 0.245, 0.246),
        0.140,  # neck to nose
        *(0.040, 0.060),  # nose to eye, eye to ear
        *(0.040, 0.060),
    ]
)
"""Length of each limb of the skeleton in parts of the body height.

The body's are those of Drillis and Contini (1966) as Winter gives them (Biomechanics and Motor
Control of Human Movement, 4th edition 2009, figure 4.1); the head's, which the figure lacks, are
near the 90th percentile of 1,900 poses found in videos.
"""

MIN_LIMBS: Final = 4
"""Fewer limbs than this say nothing certain about a size."""

TOLERANCE: Final = 1.75
"""A limb may be this much longer than the size gives it: people differ, and sizes are estimates."""

_QUANTILE: Final = 0.65
_INNER, _OUTER = np.array(LIMBS).T
_NECK: Final = KEYPOINTS.index("neck")
_PARENTS: Final = {outer: inner for inner, outer in LIMBS}


def _depth(keypoint: int) -> int:
    return 0 if keypoint == _NECK else 1 + _depth(_PARENTS[keypoint])


# The limbs by how far from the neck they begin: those of a level depend on the levels before only.
_LEVELS: Final = [
    np.array([limb for limb, (_, outer) in enumerate(LIMBS) if _depth(outer) == depth])
    for depth in range(1, 1 + max(map(_depth, range(len(KEYPOINTS)))))
]


def sizes(keypoints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Body heights, in pixels, that the limbs of poses speak for.

    What about two in three limbs stay below: not the median, for limbs look shorter more often than
    not; not the largest, for that one may be wrong, and with a wrong neck five are.

    Args:
        keypoints: float64 (n, 18, 3): x, y in pixels, score; score 0 = not seen.

    Returns:
        float64 (n,); 0 where fewer than `MIN_LIMBS` limbs are seen.
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
    """Which keypoints of poses a body of their size could have where they are.

    Goes from the neck outward. A keypoint is too far if it lies further from the nearest keypoint
    on its way to the neck that is seen and possible than `TOLERANCE` times all limbs between them;
    without any such keypoint it is taken as it is. If the neck lies too far from most keypoints
    next to it, then it is the neck that is wrong.

    Args:
        keypoints: float64 (n, 18, 3): x, y in pixels, score; score 0 = not seen.
        heights: float64 (n,): body heights in pixels; where it is 0, everything is possible.

    Returns:
        bool (n, 18): seen and possible.
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
        # Who is kept is the anchor of what follows; who is not hands on the one before.
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
    # Not np.hypot: sums, products and roots are rounded the same wherever in an array they stand,
    # so that a pose gives the same numbers whatever is computed beside it.
    x, y = first[..., 0] - second[..., 0], first[..., 1] - second[..., 1]
    distances: NDArray[np.float64] = np.sqrt(x * x + y * y)
    return distances
