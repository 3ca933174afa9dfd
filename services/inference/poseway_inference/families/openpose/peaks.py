"""Peaks of confidence maps: where keypoints may be."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Peaks(NamedTuple):
    """Peaks of each map, padded to one number k.

    Attributes:
        points: float32 (maps, k, 2): x and y in cells; (0, 0) is the centre of the top left one.
        scores: float32 (maps, k), 0..1: confidence, the highest first; 0 marks the padding.
    """

    points: Floats
    scores: Floats


def find_peaks(confidence: Floats, smoothing: float, threshold: float, most: int) -> Peaks:
    """Finds local maxima, finer than a cell by the parabolas through each one and its neighbours.

    Args:
        confidence: float32 (h, w, maps), finite.
        smoothing: Sigma in cells of a blur over each cell and its neighbours.
        threshold: Least confidence.
        most: Number of peaks of a map that are kept, the highest.
    """
    blurred = cv2.GaussianBlur(np.ascontiguousarray(confidence), (3, 3), smoothing)
    smooth = np.asarray(blurred, np.float32).reshape(confidence.shape)
    # Mirrored at its first and last cell, a map has no slope there, so no peak leaves the map.
    padded = np.pad(smooth, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    rows, columns, maps = np.nonzero(_is_peak(padded) & (smooth > threshold))
    scores = smooth[rows, columns, maps]

    order = np.lexsort((-scores, maps))
    counts = np.bincount(maps, minlength=confidence.shape[2])
    ranks = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    order, ranks = order[ranks < most], ranks[ranks < most]
    rows, columns, maps, scores = rows[order], columns[order], maps[order], scores[order]

    y, x = rows + 1, columns + 1
    dx = _vertex(padded[y, x - 1, maps], scores, padded[y, x + 1, maps])
    dy = _vertex(padded[y - 1, x, maps], scores, padded[y + 1, x, maps])
    shape = (len(counts), min(int(counts.max()), most))
    peaks = Peaks(np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32))
    peaks.points[maps, ranks] = np.stack([columns + dx, rows + dy], axis=-1)
    peaks.scores[maps, ranks] = np.minimum(scores, 1)
    return peaks


def _is_peak(padded: Floats) -> NDArray[np.bool_]:
    """Which cells (h, w, maps) of padded maps (h + 2, w + 2, maps) are above their 8 neighbours."""
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    centre = padded[1:-1, 1:-1]
    peak = np.ones(centre.shape, np.bool_)
    for dy in range(3):
        for dx in range(3):
            neighbour = padded[dy : dy + height, dx : dx + width]
            # Of two equal neighbours the first in reading order is the peak: not both, not none.
            if (dy, dx) < (1, 1):
                peak &= centre > neighbour
            elif (dy, dx) > (1, 1):
                peak &= centre >= neighbour
    return peak


def _vertex(before: Floats, peak: Floats, after: Floats) -> Floats:
    """Where the parabola through three neighbouring cells is highest, from the middle one."""
    curvature = np.minimum(before - 2 * peak + after, np.float32(-1e-6))
    offset: Floats = (before - after) / (2 * curvature)
    return offset.clip(-0.5, 0.5)
