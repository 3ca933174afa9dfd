"""Assigns detections to tracks."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment


def match(overlap: NDArray[np.float64], threshold: float) -> list[tuple[int, int]]:
    """Assigns rows to columns so that the sum of their overlaps is largest.

    Args:
        overlap: float64 (n, m), 0..1.
        threshold: Pairs with a smaller overlap are dropped after the assignment.

    Returns:
        Pairs of row and column. Each row and each column is in at most one pair.
    """
    above = overlap > threshold
    if above.any() and above.sum(axis=0).max() == 1 and above.sum(axis=1).max() == 1:
        # Without conflicts every pair above the threshold is kept. The optimal assignment could
        # trade such a pair for others that the threshold drops.
        rows, columns = np.nonzero(above)
    else:
        rows, columns = linear_sum_assignment(overlap, maximize=True)
    kept = overlap[rows, columns] >= threshold
    return list(zip(rows[kept].tolist(), columns[kept].tolist(), strict=True))
