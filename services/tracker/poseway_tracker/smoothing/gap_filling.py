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
    times: NDArray[np.float64],
    places: NDArray[np.float64],
    seen: NDArray[np.bool_],
    last_times: NDArray[np.float64],
    last_places: NDArray[np.float64],
    limits: NDArray[np.float64],
) -> Filled:
    """Fills the short gaps of one track by linear interpolation of place.

    Args:
        times: float64 (m,): when the frames are shown that the track is in, in seconds, ascending.
        places: float64 (m, 18, 2): places of the keypoints in these frames.
        seen: bool (m, 18): which of them were seen; the places of the others do not matter.
        last_times: float64 (18,): when each was seen last before all these frames, in seconds.
        last_places: float64 (18, 2): and where.
        limits: float64 (m,): seconds from the sighting before a gap to the one after it, in each
            frame, beyond which the gap is not filled.
    """
    rows = np.vstack([last_times, np.broadcast_to(times[:, None], seen.shape)])
    known = np.concatenate([last_places[None], places])
    # Row 0 is what was before.
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
