"""From the network's maps to people: the bottom-up decoder of OpenPose.

Cao et al., "OpenPose: Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields",
TPAMI 2019, sections 3.3 to 3.5. Everything is computed for all people at once, so that a crowd
costs larger arrays, not more Python.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import KEYPOINTS, LIMBS
from poseway_inference.families.base import People
from poseway_inference.families.openpose.peaks import Floats, Peaks, find_peaks

Ints = NDArray[np.intp]

_PARTS: Final = len(KEYPOINTS)
# The network also has fields from each shoulder to the ear of its side, which are not drawn.
LIMB_STARTS, LIMB_ENDS = np.array([*LIMBS, (2, 16), (5, 17)]).T
# Channel of each limb's x, after the background's; its y is the next one.
X_CHANNELS: Final = (_PARTS + 1) + np.array(
    (12, 20, 14, 16, 22, 24, 0, 2, 4, 6, 8, 10, 28, 30, 34, 32, 36, 18, 26)
)
CHANNELS: Final = _PARTS + 1 + 2 * len(X_CHANNELS)
"""Channels of the maps: 18 keypoints, the background, and x and y of the fields of 19 limbs."""

# Honest maps lie within -1..1 or little outside; what lies far outside is no map's value.
_LARGEST_VALUE: Final = 10.0


@dataclass(frozen=True)
class DecoderSettings:
    """What counts as a peak, as a limb, and as a person.

    Attributes:
        smoothing: Sigma in cells of the blur of the confidence maps. In bfloat16 neighbouring cells
            often have the same value, and a peak without blur becomes two.
        peak_threshold: Least confidence of a keypoint.
        max_peaks: Most keypoints of one kind, the highest; bounds the work on maps that are noise.
        samples: Points on a limb at which its field is looked at.
        sample_threshold: Least field along the limb for a sample to be on it.
        min_samples: Least number of samples on the limb.
        min_keypoints: Least number of keypoints of a person.
        min_score: Least score of a person.
    """

    smoothing: float = 0.5
    peak_threshold: float = 0.03
    max_peaks: int = 64
    samples: int = 10
    sample_threshold: float = 0.03
    min_samples: int = 7
    min_keypoints: int = 4
    min_score: float = 0.13


DEFAULT_SETTINGS: Final = DecoderSettings()


def decode(maps: Floats, settings: DecoderSettings = DEFAULT_SETTINGS) -> People:
    """Finds the people in one frame's maps.

    Args:
        maps: float32 (h, w, 57): confidence maps of the 18 keypoints and of the background, then
            the x and y channels of the part affinity fields. Values that are not finite, or far
            beyond what a network's map holds, count as 0.
        settings: Thresholds.

    Returns:
        The people, in cells: (0, 0) is the centre of the top left cell.

    Raises:
        ValueError: The maps have another number of channels.
    """
    if maps.shape[2:] != (CHANNELS,):
        raise ValueError(f"maps must have {CHANNELS} channels, these are {maps.shape}")
    maps = cleaned(maps)
    peaks = find_peaks(
        maps[..., :_PARTS], settings.smoothing, settings.peak_threshold, settings.max_peaks
    )
    limb_scores = _score_limbs(maps, peaks, settings)
    limbs = _choose_limbs(limb_scores)
    return _assemble(peaks, limbs, limb_scores[limbs], settings)


def cleaned(maps: Floats) -> Floats:
    """Maps whose values that are not finite, or far beyond what a network's map holds, are 0."""
    return np.where(np.abs(maps) < _LARGEST_VALUE, maps, np.float32(0))


def _score_limbs(maps: Floats, peaks: Peaks, settings: DecoderSettings) -> Floats:
    """How well its field goes along each possible limb (the paper's equation 11, as a mean).

    As in OpenPose's own code, limbs longer than half the picture's height lose what they exceed it
    by: without that, stray field joins people across the whole picture.

    Returns:
        float32 (19, k, k): for each limb, from start peak i to end peak j; 0 where there is none.
    """
    seen = peaks.scores > 0
    limbs, i, j = np.nonzero(seen[LIMB_STARTS][:, :, None] & seen[LIMB_ENDS][:, None, :])
    # Most pairs belong to two people and have no field between them. One that is off the limb at
    # so many samples has too few left, so a look at these, away from the ends, is enough for them.
    few = settings.samples - settings.min_samples + 1
    samples = np.arange(settings.samples)
    glance = np.linspace(0, settings.samples - 1, few + 2).astype(np.intp)[1:-1]
    for chosen in (glance, samples):
        starts, ends = peaks.points[LIMB_STARTS[limbs], i], peaks.points[LIMB_ENDS[limbs], j]
        steps = (chosen / max(settings.samples - 1, 1)).astype(np.float32)
        field, lengths = _field_along(maps, limbs, starts, ends - starts, steps)
        on_limb = np.count_nonzero(field > settings.sample_threshold, axis=1)
        kept = on_limb >= settings.min_samples - (settings.samples - len(chosen))
        limbs, i, j = limbs[kept], i[kept], j[kept]
        field, lengths = field[kept], lengths[kept]

    scores = field.mean(axis=1) + np.minimum(0.5 * maps.shape[0] / lengths - 1, 0)
    result = np.zeros((len(LIMB_STARTS), seen.shape[1], seen.shape[1]), np.float32)
    result[limbs, i, j] = np.maximum(scores, 0)
    return result


def _field_along(
    maps: Floats, limbs: Ints, starts: Floats, along: Floats, steps: Floats
) -> tuple[Floats, Floats]:
    """The part of limbs' fields that points from their starts to their ends, at some points.

    Args:
        maps: float32 (h, w, 57).
        limbs: Which field to look at, (m,).
        starts: float32 (m, 2): x and y in cells.
        along: float32 (m, 2): from start to end.
        steps: float32 (k,): where to look, from 0 at the start to 1 at the end.

    Returns:
        float32 (m, k), and the lengths in cells, float32 (m,).
    """
    lengths = np.maximum(np.hypot(along[:, 0], along[:, 1]), np.float32(1e-3))
    directions = along / lengths[:, None]
    cells = np.rint(starts[..., None] + along[..., None] * steps).astype(np.intp)  # (m, 2, k)
    _, width, channels = maps.shape
    x_index = (cells[:, 1] * width + cells[:, 0]) * channels + X_CHANNELS[limbs, None]
    flat = maps.reshape(-1)
    return flat[x_index] * directions[:, :1] + flat[x_index + 1] * directions[:, 1:], lengths


def _choose_limbs(scores: Floats) -> tuple[Ints, Ints, Ints]:
    """Greedy matching: the best limb of all, then the best of those that share no end with it, ...

    Greedy matching takes each limb that is the best of both its ends, whatever the others are. So
    all of these are taken at once, and few rounds are left.

    Args:
        scores: float32 (19, k, k), 0 where there is no limb.

    Returns:
        Limb, start peak and end peak of each one that was chosen.
    """
    left = scores.copy()
    chosen = np.zeros(scores.shape, np.bool_)
    while left.any():
        limbs, starts = np.nonzero(left.any(axis=2))
        ends = left.argmax(axis=2)[limbs, starts]
        mutual = left.argmax(axis=1)[limbs, ends] == starts
        limbs, starts, ends = limbs[mutual], starts[mutual], ends[mutual]
        chosen[limbs, starts, ends] = True
        left[limbs, starts, :] = 0
        left[limbs, :, ends] = 0
    limbs, starts, ends = np.nonzero(chosen)
    return limbs, starts, ends


def _identify(limbs: tuple[Ints, Ints, Ints], most: int) -> Ints:
    """Joins peaks that are connected by limbs.

    The limbs that are drawn form a tree, listed from the neck outwards, and each peak has at most
    one limb of a kind. So no two peaks of a kind can be joined, and passing identities down the
    tree finds every person.

    Args:
        limbs: Limb, start peak and end peak.
        most: Number k of peaks of a kind.

    Returns:
        Person of each peak (18, k), below 18 * k; a peak without limbs is a person of its own.
    """
    limb, start, end = limbs
    own = np.arange(_PARTS * most).reshape(_PARTS, most)
    person = own.copy()
    for index, (a, b) in enumerate(zip(LIMB_STARTS, LIMB_ENDS, strict=True)):
        starts, ends = start[limb == index], end[limb == index]
        owners = person[a, starts]
        if index >= len(LIMBS):
            # Seen from behind, nobody has eyes, so an ear hangs on the shoulder; but one that hangs
            # on an eye is taken, and nobody has two of a side.
            free = (person[b, ends] == own[b, ends]) & ~np.isin(owners, person[b])
            ends, owners = ends[free], owners[free]
        person[b, ends] = owners
    return person


def _assemble(
    peaks: Peaks, limbs: tuple[Ints, Ints, Ints], limb_scores: Floats, settings: DecoderSettings
) -> People:
    """Makes people of peaks and limbs, and leaves out those that are too small or too unlikely."""
    limb, start, end = limbs
    person = _identify(limbs, peaks.scores.shape[1])
    owners = person[LIMB_STARTS[limb], start]
    within = owners == person[LIMB_ENDS[limb], end]
    seen = np.nonzero(peaks.scores)
    parts, members = seen[0], person[seen]

    sizes = np.bincount(members, minlength=person.size)
    totals = np.zeros(person.size)
    totals += np.bincount(members, peaks.scores[seen], minlength=person.size)
    totals += np.bincount(owners[within], limb_scores[within], minlength=person.size)
    # OpenPose's mean over keypoints; but of two people as clear, the more complete one is better.
    scores = totals / (2 * np.maximum(sizes, 1)) * np.sqrt(sizes / _PARTS)

    kept = np.nonzero((sizes >= settings.min_keypoints) & (scores >= settings.min_score))[0]
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    keypoints = np.zeros((person.size, _PARTS, 3), np.float32)
    keypoints[members, parts, :2] = peaks.points[seen]
    keypoints[members, parts, 2] = peaks.scores[seen]
    return People(keypoints[kept], np.minimum(scores[kept], 1).astype(np.float32))
