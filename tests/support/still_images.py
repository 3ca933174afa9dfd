"""Still images as cameras and programs store them, made on demand."""

import struct
import zlib
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

# Orientations of EXIF 2.3, tag 274: the operation that makes the stored image of the upright one.
_TURNS: Final = {1: 0, 2: 0, 3: 2, 4: 2, 5: 3, 6: 1, 7: 1, 8: 3}
_MIRRORED: Final = (2, 4, 5, 7)

CORNERS: Final = ((200, 30, 40), (30, 180, 60), (40, 50, 210), (128, 128, 128))


def card(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """Returns an image, (height, width, 3) RGB, with a colour in each quarter."""
    picture = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    for index, colour in enumerate(CORNERS):
        rows = slice(0, top) if index < 2 else slice(top, None)
        picture[rows, slice(left, None) if index % 2 else slice(0, left)] = colour
    return picture


def corners(picture: NDArray[np.uint8]) -> NDArray[np.int_]:
    """Returns the colours in the centres of the quarters."""
    height, width = picture.shape[:2]
    places = ((y, x) for y in (0.25, 0.75) for x in (0.25, 0.75))
    return np.array([picture[int(height * y), int(width * x)] for y, x in places], int)


def encoded(picture: NDArray[np.generic], kind: str, *flags: int) -> bytes:
    """Encodes RGB, RGBA or grey samples in this format."""
    if picture.ndim == 3:
        picture = picture[..., [2, 1, 0, 3][: picture.shape[2]]]
    best = {"jpg": (cv2.IMWRITE_JPEG_QUALITY, 95), "webp": (cv2.IMWRITE_WEBP_QUALITY, 95)}
    done, data = cv2.imencode(
        f".{kind}", np.ascontiguousarray(picture), flags or best.get(kind, ())
    )
    assert done
    return data.tobytes()


def held(picture: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Returns what a camera in this orientation stores of an image."""
    stored = np.rot90(picture, _TURNS[orientation])
    return stored[:, ::-1] if orientation in _MIRRORED else stored


def tagged(data: bytes, orientation: int) -> bytes:
    """Encodes a JPEG or PNG with an EXIF orientation."""
    entry = struct.pack(">HHHIHH", 1, 274, 3, 1, orientation, 0)
    exif = b"MM\0*" + struct.pack(">I", 8) + entry + bytes(4)
    if data.startswith(b"\xff\xd8"):
        exif = b"Exif\0\0" + exif
        return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    chunk = b"eXIf" + exif
    chunk = struct.pack(">I", len(exif)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    end_of_head = 8 + 25
    return data[:end_of_head] + chunk + data[end_of_head:]
