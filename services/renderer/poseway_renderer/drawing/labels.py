"""Labels of people: text on a small plate in the colour of the track."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import track_colour
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace

_BOLD: Final = 700
# The plate is drawn this many times larger and scaled down, to antialias its corners.
_FINE: Final = 4
_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class _Plate:
    """A plate ready for alpha compositing.

    Attributes:
        remains: Factors of the canvas, float32 0..1: luma (height, width), chroma (height / 2,
            width / 2).
        added: Samples to add, float32 0..255, of the same shapes for the three planes.
    """

    remains: tuple[NDArray[np.float32], NDArray[np.float32]]
    added: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


class LabelPainter:
    """Draws plates of one text height, and caches the most recent ones."""

    def __init__(self, height: int, space: ColourSpace) -> None:
        """Sets the size.

        Args:
            height: Height of the text in pixels.
            space: Colours of the canvases.
        """
        self._text_height = height
        self._space = space
        self._font = cv2.FontFace("sans")
        self._plate = lru_cache(_KEPT)(self._make)

    def put(self, canvas: Canvas, track_id: int, text: str, x: float, y: float) -> None:
        """Draws the plate of a track onto a canvas.

        Args:
            canvas: The canvas.
            track_id: Determines the colour of the plate.
            text: Text on the plate.
            x: Centre of the plate in pixels.
            y: Lower edge of the plate in pixels. The plate is moved to lie entirely on the canvas.
        """
        plate = self._plate(track_id, text)
        height, width = plate.remains[0].shape
        rows, columns = canvas.luma.shape
        left = max(0, min(round(x - width / 2), columns - width)) // 2
        top = max(0, min(round(y - height), rows - height)) // 2
        _lay(canvas.luma, 2 * left, 2 * top, plate.remains[0], plate.added[0])
        for plane, added in zip(canvas.chroma, plate.added[1:], strict=True):
            _lay(plane, left, top, plate.remains[1], added)

    def _make(self, track_id: int, words: str) -> _Plate:
        text = _ink(words, self._font, self._text_height)
        margin = round(0.35 * self._text_height)
        # Even, so that the chroma planes hold exactly half of it.
        height, width = (2 * ceil((n + 2 * margin) / 2) for n in text.shape)
        ink = np.zeros((height, width), np.float32)
        ink[margin : margin + text.shape[0], margin : margin + text.shape[1]] = text / 255
        plate = track_colour(track_id)
        cover = _rounded(width, height, radius=0.3 * height)
        letters = _letters(plate)
        layers = [
            cover * (back + ink * (front - back))
            for back, front in zip(self._space.yuv(plate), self._space.yuv(letters), strict=True)
        ]
        return _Plate(
            remains=(1 - cover, 1 - _halved(cover)),
            added=(layers[0], _halved(layers[1]), _halved(layers[2])),
        )


def _letters(plate: tuple[int, int, int]) -> tuple[int, int, int]:
    """Returns the RGB of the text on a plate: dark on bright plates, else white."""
    red, green, blue = plate
    bright = 0.299 * red + 0.587 * green + 0.114 * blue > 255 / 2
    return (20, 20, 20) if bright else (255, 255, 255)


def _ink(text: str, font: cv2.FontFace, height: int) -> NDArray[np.uint8]:
    """Renders text, white on black, cropped to its ink: uint8 (height, width)."""
    sheet = np.zeros((3 * height, (len(text) + 2) * height), np.uint8)
    cv2.putText(sheet, text, (height, 2 * height), (255,), font, height, _BOLD)
    x, y, width, high = cv2.boundingRect(sheet)
    return sheet[y : y + high, x : x + width]


def _rounded(width: int, height: int, radius: float) -> NDArray[np.float32]:
    """Returns the coverage of each pixel by a rectangle with round corners, float32 0..1."""
    mask = np.zeros((height * _FINE, width * _FINE), np.uint8)
    corner = round(radius * _FINE)
    right, bottom = mask.shape[1] - 1 - corner, mask.shape[0] - 1 - corner
    for x in (corner, right):
        for y in (corner, bottom):
            cv2.circle(mask, (x, y), corner, (255,), cv2.FILLED)
    mask[corner : bottom + 1] = 255
    mask[:, corner : right + 1] = 255
    small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32(255)


def _halved(layer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Averages blocks of 2 x 2."""
    top, bottom = layer[::2], layer[1::2]
    total = top[:, ::2] + top[:, 1::2] + bottom[:, ::2] + bottom[:, 1::2]
    return total * np.float32(0.25)


def _lay(
    plane: NDArray[np.uint8],
    left: int,
    top: int,
    remains: NDArray[np.float32],
    added: NDArray[np.float32],
) -> None:
    rows, columns = plane.shape
    remains, added = remains[: rows - top, : columns - left], added[: rows - top, : columns - left]
    height, width = added.shape
    area = plane[top : top + height, left : left + width]
    area[:] = np.rint(area * remains + added)
