"""Converts YUV 4:2:0 to the BGR that networks take."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.media.yuv import LUMA_WEIGHTS, Yuv


def to_bgr(picture: Yuv) -> NDArray[np.uint8]:
    """Converts a picture to uint8 (height, width, 3), in the order blue, green, red."""
    width, height = picture.width, picture.height
    samples = np.frombuffer(picture.planes, np.uint8)
    luma = samples[: width * height].reshape(height, width)
    halves = samples[width * height :].reshape(2, (height + 1) // 2, (width + 1) // 2)
    # A chroma sample covers 2 x 2 pixels, fewer at the end of an odd side.
    wide = halves.shape[2] * 2, halves.shape[1] * 2
    chroma = [
        cv2.resize(half, wide, interpolation=cv2.INTER_CUBIC)[:height, :width] for half in halves
    ]
    merged = cv2.merge([luma, *chroma])
    return np.asarray(cv2.transform(merged, _matrix(picture.matrix, picture.full)), np.uint8)


@lru_cache(maxsize=16)
def _matrix(matrix: int, full: bool) -> NDArray[np.float32]:
    """Returns the matrix from Y, Cb, Cr, 1 to B, G, R, float32 (3, 4).

    ITU-T H.273, equations 38 to 43.
    """
    kr, kb = LUMA_WEIGHTS[matrix]
    kg = 1 - kr - kb
    black, luma, chroma = (0, 1.0, 1.0) if full else (16, 255 / 219, 255 / 224)
    blue, red = 2 * (1 - kb) * chroma, 2 * (1 - kr) * chroma
    rows = np.array(
        [[luma, blue, 0], [luma, -blue * kb / kg, -red * kr / kg], [luma, 0, red]], np.float64
    )
    offset = -rows @ (black, 128, 128)
    return np.hstack([rows, offset[:, None]]).astype(np.float32)
