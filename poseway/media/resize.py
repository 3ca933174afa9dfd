"""Sizes that frames are scaled down to."""

from math import sqrt
from typing import Final

MAX_SIDE: Final = 8192
"""Limit on the pixels of the longer side, for H.264 and for the network."""

MAX_PIXELS: Final = 8192 * 4352
"""Limit on the pixels of a frame at the highest level of H.264."""

MAX_CODED_PIXELS: Final = (8192 + 16) * (4352 + 16)
"""`MAX_PIXELS` with both sides rounded up to whole blocks, as codecs store them."""


def fit(width: int, height: int, max_height: int) -> tuple[int, int]:
    """Scales a size down to a maximum height and to `MAX_SIDE`, keeping the aspect ratio.

    Never scales up, and never below one pixel.
    """
    if height > max_height:
        width, height = max(1, round(width * max_height / height)), max_height
    if width > MAX_SIDE:
        width, height = MAX_SIDE, max(1, round(height * MAX_SIDE / width))
    return width, height


def limited(width: int, height: int, shorter: int) -> tuple[int, int]:
    """Scales a size down to a maximum shorter side and to the limits of H.264.

    Keeps the aspect ratio. Never scales up, and never below one pixel.

    Args:
        width: Pixels.
        height: Pixels.
        shorter: Maximum pixels of the shorter side; 0 for no limit.
    """
    least = min(width, height)
    if 0 < shorter < least:
        width, height = round(width * shorter / least), round(height * shorter / least)
    scale = min(MAX_SIDE / max(width, height), sqrt(MAX_PIXELS / (width * height)))
    if scale >= 1:
        return width, height
    return max(1, int(width * scale)), max(1, int(height * scale))
