"""Gaps: keypoints that were not seen for a moment, between two frames in which they were."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Filled(NamedTuple):
    """A track without its short gaps.

    Attributes:
        places: float64 (m, 18, 2): as they were, or interpolated where `filled` says so.
        filled: bool (m, 18).
    """

    places: NDArray[np.float64]
    filled: NDArray[np.bool_]


def fill(
    times: NDArray[np.int64],
    places: NDArray[np.float64],
    seen: NDArray[np.bool_],
    last_times: NDArray[np.int64],
    last_places: NDArray[np.float64],
    limit: int,
) -> Filled:
    """Fills the short gaps of one track by linear interpolation of place.

    Args:
        times: int64 (m,): indices of the frames that the track is in, ascending. Frames left out
            count as time.
        places: float64 (m, 18, 2): places of the keypoints in these frames.
        seen: bool (m, 18): which of them were seen; the places of the others do not matter.
        last_times: int64 (18,): index of the frame before all these in which each was seen last.
        last_places: float64 (18, 2): and where.
        limit: Frames that a gap may last.
    """
    rows = np.vstack([last_times, np.where(seen, times[:, None], -1)])
    known = np.concatenate([last_places[None], places])
    # Row 0 is what was before; -1 stands for "not here" on the way to the nearest row that is.
    order = np.arange(len(rows))[:, None]
    present = np.vstack([np.ones_like(seen[:1]), seen])
    before = np.maximum.accumulate(np.where(present, order, 0), axis=0)[1:]
    beyond = len(rows)
    after = np.minimum.accumulate(np.where(present, order, beyond)[::-1], axis=0)[::-1][1:]
    closed = after < beyond
    after = np.where(closed, after, 0)
    start = np.take_along_axis(rows, before, axis=0)
    end = np.take_along_axis(rows, after, axis=0)
    filled = ~seen & closed & (end - start - 1 <= limit)
    share = np.where(filled, (times[:, None] - start) / np.where(filled, end - start, 1), 0.0)
    first = np.take_along_axis(known, before[..., None], axis=0)
    second = np.take_along_axis(known, after[..., None], axis=0)
    between = first + share[..., None] * (second - first)
    return Filled(np.where(filled[..., None], between, places), filled)
