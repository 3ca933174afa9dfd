"""Peaks of confidence maps, which are candidates for keypoints."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Peaks(NamedTuple):
    """The peaks of each map, padded to the same number k.

    Attributes:
        points: float32 (maps, k, 2): x, y in cells; (0, 0) is the centre of the top left cell.
        scores: float32 (maps, k), 0..1: confidence, highest first; 0 marks padding.
    """

    points: Floats
    scores: Floats


def find_peaks(confidence: Floats, smoothing: float, threshold: float, most: int) -> Peaks:
    """Finds local maxima with subcell precision, by parabolas through neighbouring cells.

    Args:
        confidence: float32 (h, w, maps), finite.
        smoothing: Sigma in cells of a 3 x 3 Gaussian blur, which is applied first.
        threshold: Minimum confidence.
        most: Most peaks per map; the highest are kept.
    """
    blurred = cv2.GaussianBlur(np.ascontiguousarray(confidence), (3, 3), smoothing)
    smooth = np.asarray(blurred, np.float32).reshape(confidence.shape)
    # Mirrored at its border cells, a map has no slope there, so no peak lies outside it.
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
    """Returns which cells exceed their 8 neighbours, bool (h, w, maps).

    Args:
        padded: float32 (h + 2, w + 2, maps).
    """
    height, width = padded.shape[0] - 2, padded.shape[1] - 2
    centre = padded[1:-1, 1:-1]
    peak = np.ones(centre.shape, np.bool_)
    for dy in range(3):
        for dx in range(3):
            neighbour = padded[dy : dy + height, dx : dx + width]
            # Of two equal neighbours exactly one is a peak: the first in reading order.
            if (dy, dx) < (1, 1):
                peak &= centre > neighbour
            elif (dy, dx) > (1, 1):
                peak &= centre >= neighbour
    return peak


def _vertex(before: Floats, peak: Floats, after: Floats) -> Floats:
    """Returns the vertex of the parabola through three cells, relative to the middle one."""
    curvature = np.minimum(before - 2 * peak + after, np.float32(-1e-6))
    offset: Floats = (before - after) / (2 * curvature)
    return offset.clip(-0.5, 0.5)
