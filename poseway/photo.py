"""A picture in place of a video: read as a video of one frame."""

from itertools import chain
from typing import Final, cast

import av
import av.error
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from poseway.errors import VideoError
from poseway.scale import limited

FORMATS: Final = "jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,tiff_pipe"
"""FFmpeg's names."""

MAX_PIXELS: Final = 50 << 20
"""Decoded, a picture of so many takes 420 MB at most, whatever its samples are."""

# What files in MP4's container that are pictures begin with (ISO/IEC 23008-12, and AVIF).
_BRANDS: Final = ("avif", "heic", "heim", "heis", "heix", "mif1", "mif2")
_ROWS: Final = 256
_WHITE: Final = 255
_UNREADABLE: Final = (
    "The picture cannot be read: it is damaged, cut off, of a rare kind, or has more than "
    "50 megapixels. Save it again as JPEG or PNG, smaller if need be, and "
    "upload that; if it is animated, convert it to MP4."
)


def certain(head: bytes) -> str | None:
    """FFmpeg's name of the format where the first bytes leave no doubt.

    FFmpeg itself doubts whether a JPEG with others in it or behind it, as phones write them, is a
    video.
    """
    return "jpeg_pipe" if head.startswith(b"\xff\xd8\xff") else None


def is_photo(container: av.container.InputContainer) -> bool:
    """Whether a file is a picture, not a video."""
    brand = container.metadata.get("major_brand", "").strip()
    return container.format.name in FORMATS.split(",") or brand in _BRANDS


def photo_stream(container: av.container.InputContainer) -> av.VideoStream:
    """The stream that is the picture, not a part or a small copy of it.

    Raises:
        VideoError: There is none that can be decoded as one picture.
    """
    streams = container.streams.video
    whole = [s for s in streams if s.disposition & Disposition.default] or streams
    if len(whole) > 1 or any(s.disposition & Disposition.dependent for s in whole):
        raise VideoError(
            "The picture is stored in tiles (HEIC, as iPhones do it), which cannot be read. Save "
            "it as JPEG and upload that.",
            "picture_in_tiles",
        )
    # FFmpeg has had a look at it already, and knows the size of all that it can decode.
    if not whole or not whole[0].codec_context or not whole[0].codec_context.width:
        raise VideoError(_UNREADABLE, "picture_unreadable")
    return whole[0]


def read_photo(
    container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[av.VideoFrame, bool]:
    """Decodes the first picture of a file.

    Returns:
        The picture as it is stored, and whether some of it is missing.

    Raises:
        VideoError: Nothing of it can be decoded.
    """
    packet = next(container.demux(stream))
    context = stream.codec_context
    options = {"max_pixels": str(MAX_PIXELS)}
    # What is missing of a JPEG becomes grey unless that is forbidden; others fail by themselves.
    strict = context.name == "mjpeg"
    context.options = {**options, "err_detect": "explode"} if strict else options
    image, missing = _decoded(context, packet), False
    if image is None and strict:
        context = cast("av.VideoCodecContext", av.CodecContext.create(context.name, "r"))
        context.options = options
        image, missing = _decoded(context, packet), True
    if image is None:
        raise VideoError(_UNREADABLE, "picture_unreadable")
    return image, missing


def plain(image: av.VideoFrame) -> av.VideoFrame:
    """A picture as frames of a video are: at most 8K, in YUV or RGB, and nothing to see through.

    What is transparent is laid on white.
    """
    form = image.format
    width, height = limited(image.width, image.height, 0)
    clear = form.has_palette or any(part.is_alpha for part in form.components)
    if form.name.startswith("yuv") and not clear:
        if (width, height) == (image.width, image.height):
            return image
        return image.reformat(width, height, interpolation="AREA", threads=1)
    samples = image.to_ndarray(
        format="rgba" if clear else "rgb24",
        width=width,
        height=height,
        interpolation="AREA",
        threads=1,
    )
    if clear:
        samples = _on_white(cast("NDArray[np.uint8]", samples))
    result = av.VideoFrame.from_ndarray(samples, format="rgb24")
    result.pts, result.duration = image.pts, image.duration
    return result


def _decoded(
    context: av.VideoCodecContext, packet: "av.Packet[av.VideoStream]"
) -> av.VideoFrame | None:
    try:
        for image in chain(context.decode(packet), context.decode(None)):
            return image
    except av.error.FFmpegError:
        pass
    return None


def _on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (height, width, 4) as (height, width, 3)."""
    result = np.empty((*rgba.shape[:2], 3), np.uint8)
    # Some rows at a time: in between, samples are twice as large.
    for top in range(0, len(rgba), _ROWS):
        part = rgba[top : top + _ROWS].astype(np.uint16)
        alpha = part[..., 3:]
        blended = part[..., :3] * alpha + _WHITE * (_WHITE - alpha) + _WHITE // 2
        result[top : top + _ROWS] = blended // _WHITE
    return result
