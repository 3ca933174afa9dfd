"""Contact sheets: one JPEG with small tiles of a video's screenshots and their frame numbers."""

from collections.abc import Iterable
from math import ceil, sqrt
from typing import Final

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from poseway_renderer.media.encode import jpeg

log = structlog.get_logger(__name__)

MAX_TILES: Final = 60
"""Limit on the tiles of a sheet."""

# Pixels of a tile, whatever its aspect ratio.
_AREA: Final = 320 * 180
_GAP: Final = 4
_TEXT: Final = 13
_BOLD: Final = 600
_BACKGROUND: Final = 24
# Factor that darkens a tile under its text.
_SHADE: Final = 0.35
_Picture = NDArray[np.uint8]


def chosen(indices: list[int]) -> list[int]:
    """Returns the frames of a sheet: all, or `MAX_TILES` of them at even distances."""
    if len(indices) <= MAX_TILES:
        return indices
    return [indices[round(at)] for at in np.linspace(0, len(indices) - 1, MAX_TILES)]


def contact_sheet(screenshots: Iterable[tuple[int, bytes]]) -> bytes | None:
    """Makes a sheet. Holds one screenshot at a time, and the tiles.

    Args:
        screenshots: Index and JPEG of each frame, at most `MAX_TILES`. All tiles take the shape of
            the first one. Unreadable ones are left out.

    Returns:
        A JPEG; None if no screenshot is readable.
    """
    tiles: list[_Picture] = []
    size = None
    for index, data in screenshots:
        shot = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if shot is None:
            log.warning("screenshot cannot be read", frame=index)
            continue
        size = size or _size(*shot.shape[:2])
        tile = cv2.resize(shot, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        _write(tile, f"frame {index}")
        tiles.append(tile)
    return jpeg(_arranged(tiles)) if tiles else None


def _size(height: int, width: int) -> tuple[int, int]:
    """Returns width and height of the tiles for an image size."""
    scale = sqrt(_AREA / (height * width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _write(tile: _Picture, text: str) -> None:
    """Writes text into the lower left corner, on a darkened background."""
    font = cv2.FontFace("sans")
    at = _TEXT // 2, tile.shape[0] - _TEXT // 2
    _, _, width, _ = cv2.getTextSize((0, 0), text, at, font, _TEXT, _BOLD)
    corner = tile[-2 * _TEXT :, : width + _TEXT]
    corner[:] = (corner * _SHADE).astype(np.uint8)
    cv2.putText(tile, text, at, (255, 255, 255), font, _TEXT, _BOLD)


def _arranged(tiles: list[_Picture]) -> _Picture:
    """Lays tiles of one size out in four to six columns, or fewer if there are fewer tiles."""
    columns = min(len(tiles), max(4, min(6, ceil(sqrt(len(tiles))))))
    rows = ceil(len(tiles) / columns)
    height, width, _ = tiles[0].shape
    down, right = height + _GAP, width + _GAP
    sheet = np.full((rows * down + _GAP, columns * right + _GAP, 3), _BACKGROUND, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * down + _GAP, number % columns * right + _GAP
        sheet[top : top + height, left : left + width] = tile
    return sheet
