"""Still images, read as a video of one frame."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import Final, cast

import av
import av.error
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from poseway.errors import VideoError
from poseway.media.resize import limited
from poseway.media.timing import AviTimestamps, StreamProbe
from poseway.media.tone_mapping import is_hdr
from poseway.media.transparency import may_be_transparent, on_white

FORMATS: Final = "jpeg_pipe,png_pipe,gif_pipe,webp_pipe,bmp_pipe,tiff_pipe"
"""FFmpeg's names of the demuxers."""

MAX_PIXELS: Final = 50 << 20
"""Limit on the pixels of an image. Decoded, it takes at most 420 MB in any pixel format."""

# Major brands of image files in the ISO base media format (ISO/IEC 23008-12, and AVIF).
_BRANDS: Final = ("avif", "heic", "heim", "heis", "heix", "mif1", "mif2")
_RATE: Final = Fraction(25)
_BT2020: Final = 9
_LIMITED: Final = 1
_UNREADABLE: Final = (
    "The image cannot be read: it is damaged, incomplete, of an unsupported kind, or larger than "
    "50 megapixels. Save it as a JPEG or PNG of at most 50 megapixels and upload that. If it is "
    "animated, convert it to MP4."
)


def is_still_image(container: av.container.InputContainer) -> bool:
    """Whether a container holds a still image rather than a video."""
    brand = container.metadata.get("major_brand", "").strip()
    return container.format.name in FORMATS.split(",") or brand in _BRANDS


def is_in_tiles(container: av.container.InputContainer) -> bool:
    """Whether an image is a grid of tiles, which FFmpeg's libraries do not assemble."""
    whole = _whole(container)
    return is_still_image(container) and (
        len(whole) > 1 or any(s.disposition & Disposition.dependent for s in whole)
    )


def still_image_stream(container: av.container.InputContainer) -> av.VideoStream:
    """Returns the stream that holds the image itself, not a tile or a thumbnail.

    Raises:
        VideoError: No stream can be decoded as a single image.
    """
    whole = _whole(container)
    # FFmpeg has probed the file and knows the size of every stream that it can decode.
    if not whole or not whole[0].codec_context or not whole[0].codec_context.width:
        raise VideoError(_UNREADABLE, "picture_unreadable")
    return whole[0]


def _whole(container: av.container.InputContainer) -> Sequence[av.VideoStream]:
    """Returns the streams that are neither a tile nor a thumbnail of another."""
    streams = container.streams.video
    return [s for s in streams if s.disposition & Disposition.default] or streams


def decode_still_image(
    container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[av.VideoFrame, bool]:
    """Decodes the first image of a file.

    Returns:
        The image as stored, and whether part of it is missing.

    Raises:
        VideoError: Nothing can be decoded.
    """
    packet = next(container.demux(stream))
    context = stream.codec_context
    options = {"max_pixels": str(MAX_PIXELS)}
    # FFmpeg fills the missing part of a JPEG with grey unless errors are fatal. Other formats fail
    # by themselves.
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


def to_video_frame(image: av.VideoFrame) -> av.VideoFrame:
    """Converts an image to what a video has: at most 8K, YUV or RGB, opaque.

    Transparent images are composited onto white.
    """
    width, height = limited(image.width, image.height, 0)
    clear, hdr = may_be_transparent(image.format.name), is_hdr(image.color_trc)
    if hdr and not image.format.name.startswith("yuv"):
        image = _in_yuv(image)
    if image.format.name.startswith("yuv") and not clear:
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
        samples = on_white(cast("NDArray[np.uint8]", samples))
    result = av.VideoFrame.from_ndarray(samples, format="rgb24")
    result.pts, result.duration = image.pts, image.duration
    return result


def _in_yuv(image: av.VideoFrame) -> av.VideoFrame:
    """Converts an HDR image from RGB to 10-bit BT.2020 YUV, as HDR videos are stored."""
    result = image.reformat(
        format="yuv444p10le", dst_colorspace=_BT2020, dst_color_range=_LIMITED, threads=1
    )
    result.colorspace, result.color_range = _BT2020, _LIMITED
    result.color_trc, result.color_primaries = image.color_trc, image.color_primaries
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


class StillImageDecoder:
    """Decodes a still image; see `poseway.media.video_decoder.VideoDecoder` for the interface."""

    held_until = None
    marks_keyframes = True
    avi_times = AviTimestamps()
    pixel_aspect = None

    def __init__(self, container: av.container.InputContainer) -> None:
        """Decodes the image.

        Args:
            container: The open upload; closed by `close`.

        Raises:
            VideoError: The image cannot be decoded.
        """
        self.container = container
        self.stream = still_image_stream(container)
        self.damaged_packets = 0
        self._first, self._missing = decode_still_image(container, self.stream)
        self._image = to_video_frame(self._first)

    def close(self) -> None:
        """Closes the file."""
        self.container.close()

    def probe(self) -> StreamProbe:
        """Returns the image and its nominal rate."""
        rate = Fraction(self.stream.average_rate or self.stream.guessed_rate or _RATE)
        return StreamProbe(self._first, rate=rate, frames=1, least_duration=1)

    def rewind(self) -> None:
        """Does nothing: a single image has no position."""

    def seek(self, ticks: int) -> bool:
        """Returns False: a single image cannot seek."""
        return False

    def count_damage(self) -> None:
        """Counts an error outside the decoder."""
        self.damaged_packets += 1

    def images(self) -> Iterator[av.VideoFrame]:
        """Yields the image."""
        self.damaged_packets += self._missing
        yield self._image
