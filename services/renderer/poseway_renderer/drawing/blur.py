"""Making what a picture shows unrecognisable, plane by plane, for good.

A plane is shrunk to few cells, each the mean of its area, and blown up again. What is finer than a
cell is gone then and cannot be brought back, as it can after a mere Gaussian blur. The colours of
the cells stay: a program that knows the people in question may still tell by hair and skin which of
them somebody is (McPherson et al., Defeating Image Obfuscation with Deep Learning, 2016).
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.heads import Head

# Cells along the shorter side of a picture, and the blur of these cells, which hides their grid. A
# face as high as the picture has about 6 distinct parts left from top to bottom.
_CELLS: Final = 32
_SIGMA: Final = 2.0
# Cells across a head.
_ACROSS: Final = 3
# Pixels of a cell, in each direction, from which on halves are made first.
_HALVED: Final = 8
# Fractional bits of the coordinates that OpenCV takes.
_SHIFT: Final = 4


def blur(canvas: Canvas) -> None:
    """Blurs the whole picture. The cells stand still, so that only what moves changes."""
    for plane in (canvas.luma, *canvas.chroma):
        rows, columns = plane.shape
        cell = max(1.0, min(rows, columns) / _CELLS)
        cells = (max(1, round(columns / cell)), max(1, round(rows / cell)))
        small = cv2.GaussianBlur(
            _shrunk(plane, cells), (0, 0), _SIGMA, borderType=cv2.BORDER_REPLICATE
        )
        cv2.resize(small, (columns, rows), plane, interpolation=cv2.INTER_LINEAR)


def _shrunk(plane: NDArray[np.uint8], cells: tuple[int, int]) -> NDArray[np.uint8]:
    """The means of so many columns and rows of cells; halves first, which costs least by far."""
    while min(plane.shape[1] / cells[0], plane.shape[0] / cells[1]) >= _HALVED:
        rows, columns = (size // 2 for size in plane.shape)
        even = plane[: 2 * rows, : 2 * columns]
        plane = _resized(even, (columns, rows))
    return _resized(plane, cells)


def _resized(plane: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def hide(canvas: Canvas, head: Head) -> None:
    """Blurs an ellipse, in brightness and in colour."""
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
    """A pair in the fixed-point format that OpenCV takes."""
    return round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT))
