"""Fills gaps: frames without a keypoint between two frames with it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Filled(NamedTuple):
    """The m frames of a track without short gaps.

    Attributes:
        places: float64 (m, 18, 2): x, y in pixels, interpolated where `filled` is set.
        filled: bool (m, 18): which keypoints are interpolated.
    """

    places: NDArray[np.float64]
    filled: NDArray[np.bool_]


def fill(
    times: NDArray[np.float64],
    places: NDArray[np.float64],
    seen: NDArray[np.bool_],
    last_times: NDArray[np.float64],
    last_places: NDArray[np.float64],
    limits: NDArray[np.float64],
) -> Filled:
    """Fills the short gaps of one track by linear interpolation.

    Args:
        times: float64 (m,): times of the track's frames in seconds, ascending.
        places: float64 (m, 18, 2): x, y of the keypoints in these frames, in pixels.
        seen: bool (m, 18): which keypoints were detected; the places of others are ignored.
        last_times: float64 (18,): time of each keypoint's last detection before these frames.
        last_places: float64 (18, 2): its place at that time.
        limits: float64 (m,): for a gap that ends in a frame, the longest time in seconds between
            the detections on both sides of it; longer gaps are not filled.
    """
    rows = np.vstack([last_times, np.broadcast_to(times[:, None], seen.shape)])
    known = np.concatenate([last_places[None], places])
    # Row 0 is the last detection before these frames.
    order = np.arange(len(rows))[:, None]
    present = np.vstack([np.ones_like(seen[:1]), seen])
    before = np.maximum.accumulate(np.where(present, order, 0), axis=0)[1:]
    beyond = len(rows)
    after = np.minimum.accumulate(np.where(present, order, beyond)[::-1], axis=0)[::-1][1:]
    closed = after < beyond
    after = np.where(closed, after, 0)
    start = np.take_along_axis(rows, before, axis=0)
    end = np.take_along_axis(rows, after, axis=0)
    limit = np.concatenate([[0.0], limits])[after]
    filled = ~seen & closed & (end - start <= limit)
    share = np.where(filled, (times[:, None] - start) / np.where(filled, end - start, 1), 0.0)
    first = np.take_along_axis(known, before[..., None], axis=0)
    second = np.take_along_axis(known, after[..., None], axis=0)
    between = first + share[..., None] * (second - first)
    return Filled(np.where(filled[..., None], between, places), filled)
