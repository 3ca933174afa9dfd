"""The sizes that pictures are scaled to."""

from math import sqrt
from typing import Final

MAX_SIDE: Final = 8192
"""Pixels of the longer side of the largest picture that H.264 and the network take."""

MAX_PIXELS: Final = 8192 * 4352
"""Pixels of the largest picture of H.264's highest level."""

MAX_CODED_PIXELS: Final = (8192 + 16) * (4352 + 16)
"""The same as codecs store it: they round its sides up to whole blocks."""


def fit(width: int, height: int, max_height: int) -> tuple[int, int]:
    """Scales a size down to a height, and to `MAX_SIDE`; never up, and never to less than a pixel.

    Aspect is kept.
    """
    if height > max_height:
        width, height = max(1, round(width * max_height / height)), max_height
    if width > MAX_SIDE:
        width, height = MAX_SIDE, max(1, round(height * MAX_SIDE / width))
    return width, height


def limited(width: int, height: int, shorter: int) -> tuple[int, int]:
    """Scales a size down so that its shorter side is at most `shorter`, and to what H.264 has.

    Aspect is kept; never up, and never to less than a pixel.

    Args:
        width: Pixels.
        height: Pixels.
        shorter: Pixels; 0 is no limit.
    """
    least = min(width, height)
    if 0 < shorter < least:
        width, height = round(width * shorter / least), round(height * shorter / least)
    scale = min(MAX_SIDE / max(width, height), sqrt(MAX_PIXELS / (width * height)))
    if scale >= 1:
        return width, height
    return max(1, int(width * scale)), max(1, int(height * scale))
