"""Animated GIF, PNG and WebP images."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Final, cast

import numpy as np

from poseway.errors import VideoError
from poseway.media import png

if TYPE_CHECKING:
    from PIL import Image

    from poseway.isolation.files import SeekableFile

# Browsers, and FFmpeg for GIF, show a frame with a shorter duration for the usual one instead.
_MIN_MS: Final = 20
_USUAL_MS: Final = 100
# Offsets of the canvas width and height, less one, 24 bits each (RFC 9649, 2.7).
_WEBP_SIZE: Final = (24, 27)
# Exceptions that Pillow raises for damaged files.
_DAMAGE: Final = (
    *(EOFError, OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError),
    *(struct.error, zlib.error),
)


def is_animated(file: "SeekableFile", kind: str) -> bool:
    """Whether an image has more than one frame.

    Args:
        file: Positioned at its start.
        kind: ``GIF``, ``PNG`` or ``WEBP``.
    """
    try:
        return bool(getattr(_opened(file, kind), "is_animated", False))
    except _DAMAGE:
        return False  # the decoder reports what is wrong


def as_apng(file: "SeekableFile", max_pixels: int) -> "Apng":
    """Converts an animated WebP to an animated PNG, because FFmpeg cannot decode the former.

    Args:
        file: Positioned at its start; read completely at once.
        max_pixels: Limit on the pixels of a frame.

    Returns:
        A file that is encoded while it is read.

    Raises:
        VideoError: The image is damaged or too large.
    """
    data = file.read()
    width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in _WEBP_SIZE)
    if width * height > max_pixels:
        raise VideoError(
            f"The animated WebP is {width} x {height}, larger than 8K. Scale it down, convert it "
            "to MP4 (H.264), and upload that.",
            "picture_too_large",
        )
    try:
        image = _opened(io.BytesIO(data), "WEBP")
    except _DAMAGE as error:
        raise VideoError(
            "The animated WebP is damaged or incomplete. Upload the complete file again, or "
            "convert it to MP4 (H.264).",
            "picture_unreadable",
        ) from error
    return Apng(image)


class Apng:
    """An animated PNG that is encoded while it is read, from start to end."""

    def __init__(self, image: "Image.Image") -> None:
        """Wraps an opened Pillow image with 8 bits per channel."""
        self._pieces = _pieces(image)
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """Returns up to `size` bytes; all of the current chunk if `size` is negative."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        size = len(self._rest) if size < 0 else size
        result, self._rest = self._rest[:size], self._rest[size:]
        return result


def _opened(file: "SeekableFile", kind: str) -> "Image.Image":
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # every caller that decodes enforces its own limit
    return Image.open(cast("IO[bytes]", file), formats=[kind])


def _pieces(image: "Image.Image") -> Iterator[bytes]:
    """Yields the file in pieces (W3C PNG, third edition, 11.3.6)."""
    frames = getattr(image, "n_frames", 1)
    yield png.head(*image.size, len(image.getbands()))
    yield png.chunk(b"acTL", struct.pack(">II", frames, 1))
    number = 0
    for index in range(frames):
        try:
            image.seek(index)
            samples = np.asarray(image)
        except _DAMAGE:
            samples = None
        yield png.chunk(b"fcTL", _control(image, number))
        number += 1
        # A decoder counts a frame without samples as damaged.
        for part in (b"\0",) if samples is None else png.pixels(samples):
            if index == 0:
                yield png.chunk(b"IDAT", part)
            else:
                yield png.chunk(b"fdAT", struct.pack(">I", number) + part)
                number += 1
        if samples is None:
            break
    yield png.chunk(b"IEND", b"")


def _control(image: "Image.Image", number: int) -> bytes:
    """Returns the data of ``fcTL``: a frame of full size, and its duration."""
    declared = int(image.info.get("duration", 0))
    time = declared if declared >= _MIN_MS else _USUAL_MS
    # The fields have 16 bits, so durations above a minute are stored in seconds.
    shown = (time, 1000) if time < 1 << 16 else (round(time / 1000), 1)
    return struct.pack(">IIIIIHHBB", number, *image.size, 0, 0, *shown, 0, 0)
