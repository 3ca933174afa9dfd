"""Which detection is which track: the assignment whose similarities are largest in sum."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment


def match(overlap: NDArray[np.float64], threshold: float) -> list[tuple[int, int]]:
    """Assigns rows to columns so that the overlaps of the pairs are largest in sum.

    Args:
        overlap: float64 (n, m), in 0..1.
        threshold: Pairs that overlap less are dropped.

    Returns:
        Pairs of row and column; each row and each column is in one pair at most.
    """
    above = overlap > threshold
    if above.any() and above.sum(axis=0).max() == 1 and above.sum(axis=1).max() == 1:
        # Nothing competes. The assignment could give these up for pairs that are then dropped.
        rows, columns = np.nonzero(above)
    else:
        rows, columns = linear_sum_assignment(overlap, maximize=True)
    kept = overlap[rows, columns] >= threshold
    return list(zip(rows[kept].tolist(), columns[kept].tolist(), strict=True))
