"""A small picture on its way to the network: 4:2:0, half the bytes of blue, green and red."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.plane import VideoPlane

LUMA_WEIGHTS: Final = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
"""Weights of red and blue in the luma of each matrix, by its number in ITU-T H.273, table 4."""

BT601: Final = 5
BT709: Final = 1


def usual_matrix(width: int, height: int) -> int:
    """The matrix that players take for a video of that size which names none."""
    return BT709 if min(width, height) >= 720 else BT601


@dataclass(frozen=True, slots=True)
class Yuv:
    """A picture in 4:2:0.

    Attributes:
        width: Pixels.
        height: Pixels.
        planes: uint8: luma (height, width), then blue and red difference, each of half the width
            and height, rounded up; rows from the top, no gaps.
        matrix: How they mean colours: a key of `LUMA_WEIGHTS`.
        full: Whether samples use all of 0..255 instead of 16..235 and 16..240.
    """

    width: int
    height: int
    planes: bytes
    matrix: int
    full: bool

    @staticmethod
    def size(width: int, height: int) -> int:
        """Bytes of a picture's planes."""
        return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def samples(plane: "VideoPlane") -> NDArray[np.uint8]:
    """The samples of a decoded plane, uint8 (height, width), without the padding of its lines."""
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return lines[:, : plane.width]
