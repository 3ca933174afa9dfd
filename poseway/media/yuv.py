"""Small 4:2:0 frames for the network: half the bytes of blue, green and red."""

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
    """Returns the matrix that players assume for a video of this size that declares none."""
    return BT709 if min(width, height) >= 720 else BT601


@dataclass(frozen=True, slots=True)
class Yuv:
    """A 4:2:0 frame.

    Attributes:
        width: Pixels.
        height: Pixels.
        planes: uint8 samples: luma (height, width), then Cb and Cr with half the width and height,
            rounded up; top row first, without padding.
        matrix: Matrix coefficients, a key of `LUMA_WEIGHTS`.
        full: Whether samples span 0..255 instead of 16..235 for luma and 16..240 for chroma.
    """

    width: int
    height: int
    planes: bytes
    matrix: int
    full: bool

    @staticmethod
    def size(width: int, height: int) -> int:
        """Returns the bytes of all planes of a frame."""
        return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def samples(plane: "VideoPlane") -> NDArray[np.uint8]:
    """Returns a view of a decoded plane, uint8 (height, width), without the padding of its rows."""
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return lines[:, : plane.width]
