"""What is written at a person, on a small plate in the colour of the track."""

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
# The plate is drawn this many times larger and scaled down, which makes its corners smooth.
_FINE: Final = 4
_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class _Plate:
    """A plate ready to be laid onto a canvas: what remains of each plane, and what is added to it.

    Attributes:
        remains: float32, luma (height, width) and chroma (height / 2, width / 2), 0..1.
        added: float32, the same for each of the three planes, 0..255.
    """

    remains: tuple[NDArray[np.float32], NDArray[np.float32]]
    added: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


class LabelPainter:
    """Plates of one size; the last ones that were made are kept."""

    def __init__(self, height: int, space: ColourSpace) -> None:
        """Chooses the size.

        Args:
            height: Pixels of the text.
            space: Colours of the canvases.
        """
        self._text_height = height
        self._space = space
        self._font = cv2.FontFace("sans")
        self._plate = lru_cache(_KEPT)(self._make)

    def put(self, canvas: Canvas, track_id: int, text: str, x: float, y: float) -> None:
        """Lays the plate of a track onto a canvas.

        Args:
            canvas: Where to.
            track_id: Whose colour the plate has.
            text: What is written on it.
            x: Middle of the plate in pixels.
            y: Lower edge of the plate in pixels. It is moved as far as it takes to be seen whole.
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
    """RGB of the letters on a plate: dark if it is bright."""
    red, green, blue = plate
    bright = 0.299 * red + 0.587 * green + 0.114 * blue > 255 / 2
    return (20, 20, 20) if bright else (255, 255, 255)


def _ink(text: str, font: cv2.FontFace, height: int) -> NDArray[np.uint8]:
    """White letters on black, without any border."""
    sheet = np.zeros((3 * height, (len(text) + 2) * height), np.uint8)
    cv2.putText(sheet, text, (height, 2 * height), (255,), font, height, _BOLD)
    x, y, width, high = cv2.boundingRect(sheet)
    return sheet[y : y + high, x : x + width]


def _rounded(width: int, height: int, radius: float) -> NDArray[np.float32]:
    """How far a rectangle with round corners covers each pixel, 0..1."""
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
    """A layer at half the size."""
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
