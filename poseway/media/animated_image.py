"""Pictures that may move: GIF, PNG and WebP, still or animated."""

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

# A frame of no time, or next to none, is shown as long as browsers, and FFmpeg for GIF, show it.
_SHORTEST_MS: Final = 20
_USUAL_MS: Final = 100
# Where a WebP has its width and its height, less one, of three bytes each (RFC 9649, 2.7).
_WEBP_SIZE: Final = (24, 27)
# What Pillow raises of files that are damaged.
_DAMAGE: Final = (
    *(EOFError, OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError),
    *(struct.error, zlib.error),
)


def is_animated(file: "SeekableFile", kind: str) -> bool:
    """Whether a picture has more than one frame.

    Args:
        file: At its start.
        kind: ``GIF``, ``PNG`` or ``WEBP``.
    """
    try:
        return bool(getattr(_opened(file, kind), "is_animated", False))
    except _DAMAGE:
        return False  # whoever decodes it says what is wrong with it


def as_apng(file: "SeekableFile", most_pixels: int) -> "Apng":
    """An animated WebP as an animated PNG: FFmpeg decodes no animated WebP.

    Args:
        file: At its start; read whole, at once.
        most_pixels: Refuse larger pictures.

    Raises:
        VideoError: It cannot be read.
    """
    data = file.read()
    width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in _WEBP_SIZE)
    if width * height > most_pixels:
        raise VideoError(
            f"The animated WebP is {width} x {height}, more than 8K. Convert it to MP4 (H.264), "
            "scaled down, and upload that.",
            "picture_too_large",
        )
    try:
        image = _opened(io.BytesIO(data), "WEBP")
    except _DAMAGE as error:
        raise VideoError(
            "The animated WebP is damaged or cut off. Upload the whole file again, or convert it "
            "to MP4 (H.264).",
            "picture_unreadable",
        ) from error
    return Apng(image)


class Apng:
    """An animated PNG that is written while it is read, from its start to its end."""

    def __init__(self, image: "Image.Image") -> None:
        """Takes a picture of Pillow's, of 8 bits, with or without alpha."""
        self._pieces = _pieces(image)
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """Reads up to `size` bytes."""
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

    Image.MAX_IMAGE_PIXELS = None  # there is a limit of our own wherever samples are decoded
    return Image.open(cast("IO[bytes]", file), formats=[kind])


def _pieces(image: "Image.Image") -> Iterator[bytes]:
    """The file, in pieces (W3C PNG, third edition, 11.3.6)."""
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
        # Whoever decodes a frame without samples counts it as damaged.
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
    """What stands before a frame: that it fills the picture, and how long it is shown."""
    told = int(image.info.get("duration", 0))
    time = told if told >= _SHORTEST_MS else _USUAL_MS
    # Two bytes each: more than a minute is told in seconds.
    shown = (time, 1000) if time < 1 << 16 else (round(time / 1000), 1)
    return struct.pack(">IIIIIHHBB", number, *image.size, 0, 0, *shown, 0, 0)
