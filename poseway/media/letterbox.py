"""Where a picture lies in a frame that has another shape."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

# Shapes that differ by less are the same: codecs round sides up to whole blocks.
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
    """Where a picture of another shape lies in a frame: as large as it fits, with bars around it.

    Args:
        width: Pixels of the frame.
        height: Pixels of the frame.
        widening: Aspect ratio of the picture by that of the frame, both as they are displayed.

    Returns:
        All of the frame if the shapes are the same. Otherwise sides and bars that change are of
        even size, as 4:2:0 needs.
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
