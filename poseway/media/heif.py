"""Decodes HEIC and tiled AVIF images, as phones write them, and hands them to FFmpeg as PNG."""

import io
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from poseway.errors import VideoError
from poseway.media import png
from poseway.media.tone_mapping import is_hdr

if TYPE_CHECKING:
    import pi_heif

    from poseway.isolation.files import SeekableFile

_Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

_MIN_FTYP: Final = 16
_MAX_FTYP: Final = 256
# Brands of HEIC images, brands that leave the codec to the compatible brands, and those of AVIF.
_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis")
_GENERAL: Final = (b"mif1", b"mif2", b"mif3", b"miaf")
_AV1: Final = (b"avif", b"avis")
# Exceptions that the libraries raise for damaged files.
_DAMAGE: Final = (
    *(ValueError, RuntimeError, EOFError, SyntaxError, OSError, LookupError),
    *(TypeError, ArithmeticError),
)


def is_heic(head: bytes) -> bool:
    """Whether a file with this head is a HEIC image (ISO/IEC 23008-12) and not an AVIF."""
    size = int.from_bytes(head[:4])
    if head[4:8] != b"ftyp" or not _MIN_FTYP <= size <= _MAX_FTYP:
        return False
    major, *others = (head[at : at + 4] for at in (8, *range(16, min(size, len(head)), 4)))
    return major in _BRANDS or (major in _GENERAL and not set(others) & set(_AV1))


def as_png(file: "SeekableFile", max_pixels: int) -> io.BytesIO:
    """Decodes the primary image of a HEIC file, complete and upright.

    Thumbnails, depth maps, gain maps and further images are left out. Only the rotation and
    mirroring of the container apply; readers must ignore those in EXIF (ISO/IEC 23000-22, 7.3.6).

    Args:
        file: The upload, read from its current position.
        max_pixels: Limit on the pixels of the image.

    Returns:
        A PNG. An HDR image has 16 bits and keeps its transfer characteristics.

    Raises:
        VideoError: The image is damaged, incomplete or too large.
    """
    import pi_heif

    pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    data = file.read()
    _check_whole(data)
    try:
        picture = _primary(data)
        if is_hdr(_transfer(picture)[1]):
            picture = _primary(data, convert_hdr_to_8bit=False)
        width, height = picture.size
        _check_size(width, height, max_pixels)
        samples = np.asarray(picture).reshape(height, width, -1)
    except _DAMAGE as error:
        raise _unreadable("HEIC", error) from error
    return _written(samples, _transfer(picture))


def avif_as_png(file: "SeekableFile", max_pixels: int) -> io.BytesIO:
    """Decodes the image of an AVIF file, complete and upright.

    Args:
        file: The upload, read from its current position.
        max_pixels: Limit on the pixels of the image.

    Returns:
        A PNG of 8 bits.

    Raises:
        VideoError: The image is damaged or too large.
    """
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # the limit is given
    try:
        image = Image.open(io.BytesIO(file.read()), formats=["AVIF"])
        _check_size(*image.size, max_pixels)
        samples = np.asarray(ImageOps.exif_transpose(image))
        samples = samples.reshape(*samples.shape[:2], -1)
    except _DAMAGE as error:
        raise _unreadable("AVIF", error) from error
    return _written(samples, (2, 2))


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if min(width, height) < 1:
        raise ValueError("it has no pixels")
    if width * height > max_pixels:
        raise VideoError(
            f"The image has {width} x {height} pixels, more than 50 megapixels. Save a smaller "
            "one as JPEG or PNG and upload that.",
            "picture_unreadable",
        )


def _unreadable(kind: str, error: Exception) -> VideoError:
    return VideoError(
        f"The {kind} image is damaged, incomplete or of an unsupported kind ({error}). Upload the "
        "complete file again, or save the image as JPEG and upload that.",
        "picture_unreadable",
    )


def _primary(data: bytes, *, convert_hdr_to_8bit: bool = True) -> "pi_heif.HeifImage":
    """Returns the primary image of a file, not yet decoded."""
    import pi_heif

    images = pi_heif.open_heif(data, convert_hdr_to_8bit=convert_hdr_to_8bit)
    return images[images.primary_index]


def _check_whole(data: bytes) -> None:
    """Rejects a file that ends inside a box, because its last tiles would be noise."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16])
        if size < 8:  # 0: up to the end of the file
            return
        at += size
    if at > len(data):
        raise VideoError(
            f"The HEIC image is incomplete: {at - len(data)} bytes are missing at its end. Upload "
            "the complete file again.",
            "picture_unreadable",
        )


def _transfer(picture: "pi_heif.HeifImage") -> tuple[int, int]:
    """Returns colour primaries and transfer characteristics (ITU-T H.273); 2 if unspecified."""
    profile = picture.info.get("nclx_profile") or {}
    return profile.get("color_primaries", 2), profile.get("transfer_characteristics", 2)


def _written(samples: _Samples, transfer: tuple[int, int]) -> io.BytesIO:
    """Encodes an image, (height, width, channels), as PNG."""
    height, width, channels = samples.shape
    result = io.BytesIO()
    result.write(png.head(width, height, channels, 8 * samples.itemsize))
    primaries, curve = transfer
    if is_hdr(curve):
        result.write(png.chunk(b"cICP", bytes((primaries, curve, 0, 1))))
    for part in png.pixels(samples):
        result.write(png.chunk(b"IDAT", part))
    result.write(png.chunk(b"IEND", b""))
    result.seek(0)
    return result
