"""OpenPose's bottom-up decoder: from the network's maps to people.

Cao et al., "OpenPose: Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields",
TPAMI 2019, sections 3.3 to 3.5. All people are decoded at once with array operations, so a crowd
makes the arrays larger but adds no Python loops.
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
# The network also has fields from each shoulder to the ear on the same side; these are not drawn.
LIMB_STARTS, LIMB_ENDS = np.array([*LIMBS, (2, 16), (5, 17)]).T
# Channel of the x component of each limb's field; the y component is in the next channel.
X_CHANNELS: Final = (_PARTS + 1) + np.array(
    (12, 20, 14, 16, 22, 24, 0, 2, 4, 6, 8, 10, 28, 30, 34, 32, 36, 18, 26)
)
CHANNELS: Final = _PARTS + 1 + 2 * len(X_CHANNELS)
"""Channels of the maps: 18 keypoints, the background, x and y of 19 part affinity fields."""

# Values of real maps lie in -1..1 or slightly outside; values far outside are errors.
_LARGEST_VALUE: Final = 10.0


@dataclass(frozen=True)
class DecoderSettings:
    """Thresholds for peaks, limbs and people.

    Attributes:
        smoothing: Sigma in cells of the blur of the confidence maps. In bfloat16, neighbouring
            cells often have equal values; without the blur one peak would become two.
        peak_threshold: Minimum confidence of a keypoint, 0..1.
        max_peaks: Most keypoints of each kind; the highest are kept. It bounds the work on noise.
        samples: Points along a limb at which its field is sampled.
        sample_threshold: Minimum component of the field along the limb for a sample to support it.
        min_samples: Minimum number of samples that support a limb.
        min_keypoints: Minimum number of keypoints of a person.
        min_score: Minimum score of a person, 0..1.
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
            x and y of the part affinity fields. Values that are not finite or implausible count
            as 0; see `cleaned`.
        settings: Thresholds.

    Returns:
        The people, with x and y in cells; (0, 0) is the centre of the top left cell.

    Raises:
        ValueError: The number of channels is wrong.
    """
    if maps.shape[2:] != (CHANNELS,):
        raise ValueError(f"maps must have {CHANNELS} channels, but their shape is {maps.shape}")
    maps = cleaned(maps)
    peaks = find_peaks(
        maps[..., :_PARTS], settings.smoothing, settings.peak_threshold, settings.max_peaks
    )
    limb_scores = _score_limbs(maps, peaks, settings)
    limbs = _choose_limbs(limb_scores)
    return _assemble(peaks, limbs, limb_scores[limbs], settings)


def cleaned(maps: Floats) -> Floats:
    """Replaces values that are not finite or implausibly large by 0."""
    return np.where(np.abs(maps) < _LARGEST_VALUE, maps, np.float32(0))


def _score_limbs(maps: Floats, peaks: Peaks, settings: DecoderSettings) -> Floats:
    """Scores every possible limb by the field along it (equation 11, as a mean over samples).

    As in OpenPose's code, limbs longer than half the image height are penalised. Otherwise stray
    field would join people across the whole image.

    Args:
        maps: float32 (h, w, 57), finite.
        peaks: The peaks of the keypoints' maps, at most k of each kind.
        settings: Thresholds.

    Returns:
        float32 (19, k, k): score of each limb from start peak i to end peak j; 0 for no limb.
    """
    seen = peaks.scores > 0
    limbs, i, j = np.nonzero(seen[LIMB_STARTS][:, :, None] & seen[LIMB_ENDS][:, None, :])
    # Most pairs belong to two people and have no field between them. A pair that none of `few`
    # samples supports cannot reach `min_samples`, so a first pass over those rules most pairs out.
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
    """Samples the component of limbs' fields along the limbs.

    Args:
        maps: float32 (h, w, 57).
        limbs: intp (m,): which limb's field to sample.
        starts: float32 (m, 2): x, y of the start in cells.
        along: float32 (m, 2): vector from start to end in cells.
        steps: float32 (k,): positions of the samples, from 0 at the start to 1 at the end.

    Returns:
        The samples, float32 (m, k), and the lengths of the limbs in cells, float32 (m,).
    """
    lengths = np.maximum(np.hypot(along[:, 0], along[:, 1]), np.float32(1e-3))
    directions = along / lengths[:, None]
    cells = np.rint(starts[..., None] + along[..., None] * steps).astype(np.intp)  # (m, 2, k)
    _, width, channels = maps.shape
    x_index = (cells[:, 1] * width + cells[:, 0]) * channels + X_CHANNELS[limbs, None]
    flat = maps.reshape(-1)
    return flat[x_index] * directions[:, :1] + flat[x_index + 1] * directions[:, 1:], lengths


def _choose_limbs(scores: Floats) -> tuple[Ints, Ints, Ints]:
    """Chooses limbs greedily, highest score first, so that no two of a kind share an end.

    A limb that is the best of both its ends is always part of the greedy result, whatever the other
    limbs are. Each round therefore takes all such limbs at once, and few rounds are needed.

    Args:
        scores: float32 (19, k, k); 0 for no limb.

    Returns:
        Limb, start peak and end peak of each chosen limb, intp (m,) each.
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
    """Groups the peaks that limbs connect into people.

    The drawn limbs form a tree, listed from the neck outwards, and each peak has at most one limb
    of a kind. Two peaks of a kind can therefore never be joined, and passing identities down the
    tree finds every person.

    Args:
        limbs: Limb, start peak and end peak of each limb.
        most: Number k of peaks of each kind.

    Returns:
        intp (18, k): person of each peak, below 18 k. A peak without limbs is a person of its own.
    """
    limb, start, end = limbs
    own = np.arange(_PARTS * most).reshape(_PARTS, most)
    person = own.copy()
    for index, (a, b) in enumerate(zip(LIMB_STARTS, LIMB_ENDS, strict=True)):
        starts, ends = start[limb == index], end[limb == index]
        owners = person[a, starts]
        if index >= len(LIMBS):
            # From behind no eyes are visible, so the shoulder claims the ear, unless an eye has
            # claimed it or the person already has an ear on that side.
            free = (person[b, ends] == own[b, ends]) & ~np.isin(owners, person[b])
            ends, owners = ends[free], owners[free]
        person[b, ends] = owners
    return person


def _assemble(
    peaks: Peaks, limbs: tuple[Ints, Ints, Ints], limb_scores: Floats, settings: DecoderSettings
) -> People:
    """Builds people from peaks and limbs, and drops those with few keypoints or low scores."""
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
    # OpenPose's mean over keypoints, scaled so that more complete people rank higher.
    scores = totals / (2 * np.maximum(sizes, 1)) * np.sqrt(sizes / _PARTS)

    kept = np.nonzero((sizes >= settings.min_keypoints) & (scores >= settings.min_score))[0]
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    keypoints = np.zeros((person.size, _PARTS, 3), np.float32)
    keypoints[members, parts, :2] = peaks.points[seen]
    keypoints[members, parts, 2] = peaks.scores[seen]
    return People(keypoints[kept], np.minimum(scores[kept], 1).astype(np.float32))
