"""Blurs frames irreversibly, plane by plane.

A plane is downscaled to a few cells, each the mean of its area, and upscaled again. Details finer
than a cell are lost and cannot be restored, as they can after a mere Gaussian blur. The colours of
the cells remain: a program that knows a set of people may still identify one of them by hair and
skin (McPherson et al., Defeating Image Obfuscation with Deep Learning, 2016).
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.heads import Head

# Cells along the shorter side of a frame, and standard deviation, in cells, of the blur that hides
# their grid. A face as high as the frame keeps about 6 distinct parts from top to bottom.
_CELLS: Final = 32
_SIGMA: Final = 2.0
# Cells across a head.
_ACROSS: Final = 3
# Cell size in pixels from which the plane is halved first.
_HALVED: Final = 8
# Fractional bits of OpenCV's fixed-point coordinates.
_SHIFT: Final = 4


def blur(canvas: Canvas) -> None:
    """Blurs the whole frame. The grid of cells is fixed, so that only moving content changes."""
    for plane in (canvas.luma, *canvas.chroma):
        rows, columns = plane.shape
        cell = max(1.0, min(rows, columns) / _CELLS)
        cells = (max(1, round(columns / cell)), max(1, round(rows / cell)))
        small = cv2.GaussianBlur(
            _shrunk(plane, cells), (0, 0), _SIGMA, borderType=cv2.BORDER_REPLICATE
        )
        cv2.resize(small, (columns, rows), plane, interpolation=cv2.INTER_LINEAR)


def _shrunk(plane: NDArray[np.uint8], cells: tuple[int, int]) -> NDArray[np.uint8]:
    """Returns the mean of each cell. Halving first is by far the fastest.

    Args:
        plane: uint8 (height, width).
        cells: Columns and rows of cells.
    """
    while min(plane.shape[1] / cells[0], plane.shape[0] / cells[1]) >= _HALVED:
        rows, columns = (size // 2 for size in plane.shape)
        even = plane[: 2 * rows, : 2 * columns]
        plane = _resized(even, (columns, rows))
    return _resized(plane, cells)


def _resized(plane: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def hide(canvas: Canvas, head: Head) -> None:
    """Blurs an ellipse in all planes."""
    _hide(canvas.luma, head)
    half = head.halved()
    for plane in canvas.chroma:
        _hide(plane, half)


def _hide(plane: NDArray[np.uint8], head: Head) -> None:
    rows, columns = plane.shape
    reach = max(head.along, head.across) + 1
    left, right = (int(np.clip(head.x + side, 0, columns)) for side in (-reach, reach + 1))
    top, bottom = (int(np.clip(head.y + side, 0, rows)) for side in (-reach, reach + 1))
    area = plane[top:bottom, left:right]
    if not area.size:
        return
    height, width = area.shape
    cell = max(1.0, 2 * head.across / _ACROSS)
    cells = (max(1, round(width / cell)), max(1, round(height / cell)))
    small = _shrunk(area, cells)
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(
        mask,
        _fixed(head.x - left, head.y - top),
        _fixed(head.along, head.across),
        head.angle,
        0,
        360,
        (255,),
        cv2.FILLED,
        cv2.LINE_8,
        _SHIFT,
    )
    smooth = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.copyTo(smooth, mask, area)


def _fixed(x: float, y: float) -> tuple[int, int]:
    """Converts a pair to OpenCV's fixed-point format."""
    return round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))
