"""Writes uncompressed PNG files, still or animated, to hand images to FFmpeg."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

# Colour type by the number of channels (W3C PNG, third edition, 11.2.1).
_COLOUR_TYPES: Final = {1: 0, 2: 4, 3: 2, 4: 6}
_ROWS: Final = 256


def chunk(kind: bytes, data: bytes) -> bytes:
    """Returns a chunk with its length and checksum."""
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", _checksum(kind, data))


def head(width: int, height: int, channels: int, bits: int = 8) -> bytes:
    """Returns the signature and the header chunk.

    Args:
        width: Pixels.
        height: Pixels.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
        bits: Bits per sample, 8 or 16.
    """
    sizes = struct.pack(">IIBBBBB", width, height, bits, _COLOUR_TYPES[channels], 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", sizes)


def pixels(samples: NDArray[np.uint8] | NDArray[np.uint16]) -> Iterator[bytes]:
    """Yields the zlib stream of an image, (height, width, channels), in pieces."""
    stream = zlib.compressobj(0)
    for top in range(0, len(samples), _ROWS):
        part = samples[top : top + _ROWS]
        if part.dtype == np.uint16:
            part = part.astype(">u2")
        values = np.ascontiguousarray(part).view(np.uint8).reshape(len(part), -1)
        # Each row starts with its filter type, 0 for none.
        yield stream.compress(np.pad(values, ((0, 0), (1, 0))).tobytes())
    yield stream.flush()


def _checksum(kind: bytes, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(kind))
