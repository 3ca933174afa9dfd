"""Fits a frame into another of a different shape, with bars around it."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

# Smaller differences are ignored: codecs round sides up to whole blocks.
_SAME: Final = Fraction(1, 64)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in a frame, in pixels.

    Attributes:
        left: First column.
        top: First row.
        width: Columns, at least 1.
        height: Rows, at least 1.
    """

    left: int
    top: int
    width: int
    height: int


def fitted(width: int, height: int, widening: Fraction) -> Box:
    """Returns where a frame of another shape lies: as large as possible, centred, with bars.

    Args:
        width: Pixels of the outer frame.
        height: Pixels of the outer frame.
        widening: Display aspect ratio of the inner frame divided by that of the outer frame.

    Returns:
        The whole outer frame if the shapes agree. Otherwise, along the axis with bars, positions
            and sizes are even, as 4:2:0 requires.
    """
    if abs(widening - 1) < _SAME:
        return Box(0, 0, width, height)
    if widening > 1:
        inner = max(min(2, height), _even(height / widening))
        return Box(0, _even(Fraction(height - inner, 2)), width, inner)
    inner = max(min(2, width), _even(width * widening))
    return Box(_even(Fraction(width - inner, 2)), 0, inner, height)


def _even(size: Fraction) -> int:
    return 2 * round(size / 2)
