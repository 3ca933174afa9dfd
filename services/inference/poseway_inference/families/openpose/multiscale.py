"""Combines the maps of several views of one image: smaller, larger or mirrored."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import KEYPOINTS
from poseway_inference.families.openpose.decoder import (
    CHANNELS,
    LIMB_ENDS,
    LIMB_STARTS,
    X_CHANNELS,
    cleaned,
)
from poseway_inference.families.openpose.geometry import Geometry

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """A scaled and possibly mirrored version of an image.

    Attributes:
        geometry: How the image is scaled.
        mirrored: Whether left and right are exchanged.
    """

    geometry: Geometry
    mirrored: bool = False


def average(views: Sequence[View], maps: Sequence[Floats]) -> Floats:
    """Averages the maps of several views of one image, on the grid of the last view.

    Args:
        views: The views. The last one must not be mirrored.
        maps: float32 (h, w, 57) of each view.

    Returns:
        float32 (h, w, 57), in the size of the last view.
    """
    if len(views) == 1:
        return maps[0]
    total = np.zeros(maps[-1].shape, np.float32)
    for view, seen in zip(views, maps, strict=True):
        # A value that is not finite would spread over the whole map.
        total += _resample(cleaned(seen), view, views[-1])
    return total / np.float32(len(views))


def _resample(maps: Floats, view: View, target: View) -> Floats:
    """Resamples the maps of a view on the grid of another one."""
    if view == target:
        return maps
    rows, columns = _interpolations(view, target)
    wide = np.einsum("xw,hwc->hxc", columns, maps, optimize=True)
    resampled: Floats = np.einsum("yh,hxc->yxc", rows, wide, optimize=True)
    return resampled[..., _MIRRORED] * _SIGNS if view.mirrored else resampled


@lru_cache(maxsize=64)
def _interpolations(view: View, target: View) -> tuple[Floats, Floats]:
    """Returns the matrices that interpolate a view's maps along rows and along columns."""
    matrices = []
    for axis in (1, 0):
        cells = np.arange(target.geometry.map_size[axis], dtype=np.float32)
        parts = target.geometry.to_parts(cells, axis)
        if view.mirrored and axis == 0:
            parts = 1 - parts
        cells = view.geometry.to_cells(parts, axis)
        matrices.append(_cubic(cells, view.geometry.map_size[axis]))
    return matrices[0], matrices[1]


def _cubic(cells: Floats, size: int) -> Floats:
    """Returns the weights of cubic convolution, float32 (n, size); the edge cells are repeated.

    Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -1/2.
    """
    first = np.floor(cells)
    t = cells - first
    weights = (
        ((-0.5 * t + 1) * t - 0.5) * t,
        ((1.5 * t - 2.5) * t) * t + 1,
        ((-1.5 * t + 2) * t + 0.5) * t,
        ((0.5 * t - 0.5) * t) * t,
    )
    matrix = np.zeros((len(cells), size), np.float32)
    for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
        columns = np.clip(first + offset, 0, size - 1).astype(np.intp)
        np.add.at(matrix, (np.arange(len(cells)), columns), weight)
    return matrix


def _mirror() -> tuple[NDArray[np.intp], Floats]:
    """Returns the channel, and the sign, that each channel of a mirrored image takes.

    Mirroring turns a right elbow into a left one, and a field that points right into one that
    points left.
    """
    other = {"left": "right", "right": "left"}
    names = [" ".join(other.get(word, word) for word in name.split("_")) for name in KEYPOINTS]
    twins = [KEYPOINTS.index(name.replace(" ", "_")) for name in names]
    channels, signs = np.arange(CHANNELS), np.ones(CHANNELS, np.float32)
    channels[: len(twins)] = twins
    limbs = {(a, b): x for a, b, x in zip(LIMB_STARTS, LIMB_ENDS, X_CHANNELS, strict=True)}
    for (a, b), x in limbs.items():
        twin = limbs[twins[a], twins[b]]
        channels[x : x + 2] = twin, twin + 1
        signs[x] = -1
    return channels, signs


_MIRRORED: Final = _mirror()[0]
_SIGNS: Final = _mirror()[1]
