"""A picture in place of a video: read as a video of one frame."""

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
"""FFmpeg's names."""

MAX_PIXELS: Final = 50 << 20
"""Decoded, a picture of so many takes 420 MB at most, whatever its samples are."""

# What files in MP4's container that are pictures begin with (ISO/IEC 23008-12, and AVIF).
_BRANDS: Final = ("avif", "heic", "heim", "heis", "heix", "mif1", "mif2")
_RATE: Final = Fraction(25)
_BT2020: Final = 9
_LIMITED: Final = 1
_UNREADABLE: Final = (
    "The picture cannot be read: it is damaged, cut off, of a rare kind, or has more than "
    "50 megapixels. Save it again as JPEG or PNG, smaller if need be, and "
    "upload that; if it is animated, convert it to MP4."
)


def is_still_image(container: av.container.InputContainer) -> bool:
    """Whether a file is a picture, not a video."""
    brand = container.metadata.get("major_brand", "").strip()
    return container.format.name in FORMATS.split(",") or brand in _BRANDS


def is_in_tiles(container: av.container.InputContainer) -> bool:
    """Whether a picture is put together of several, which FFmpeg's libraries do not do."""
    whole = _whole(container)
    return is_still_image(container) and (
        len(whole) > 1 or any(s.disposition & Disposition.dependent for s in whole)
    )


def still_image_stream(container: av.container.InputContainer) -> av.VideoStream:
    """The stream that is the picture, not a part or a small copy of it.

    Raises:
        VideoError: There is none that can be decoded as one picture.
    """
    whole = _whole(container)
    # FFmpeg has had a look at it already, and knows the size of all that it can decode.
    if not whole or not whole[0].codec_context or not whole[0].codec_context.width:
        raise VideoError(_UNREADABLE, "picture_unreadable")
    return whole[0]


def _whole(container: av.container.InputContainer) -> Sequence[av.VideoStream]:
    """The streams that are no part and no small copy of another."""
    streams = container.streams.video
    return [s for s in streams if s.disposition & Disposition.default] or streams


def decode_still_image(
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


def to_video_frame(image: av.VideoFrame) -> av.VideoFrame:
    """A picture as frames of a video are: at most 8K, in YUV or RGB, and nothing to see through.

    What is transparent is laid on white.
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
    """A picture in RGB of high dynamic range as videos have it."""
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
    """The only frame of a picture; see `poseway.media.video_decoder.VideoDecoder`."""

    held_until = None
    marks_keyframes = True
    avi_times = AviTimestamps()
    pixel_aspect = None

    def __init__(self, container: av.container.InputContainer) -> None:
        """Decodes it.

        Args:
            container: The upload, open; closed by `close`.

        Raises:
            VideoError: It cannot be decoded.
        """
        self.container = container
        self.stream = still_image_stream(container)
        self.damaged_packets = 0
        self._first, self._missing = decode_still_image(container, self.stream)
        self._image = to_video_frame(self._first)

    def close(self) -> None:
        """Lets go of the file."""
        self.container.close()

    def probe(self) -> StreamProbe:
        """What the picture tells."""
        rate = Fraction(self.stream.average_rate or self.stream.guessed_rate or _RATE)
        return StreamProbe(self._first, rate=rate, frames=1, least_duration=1)

    def rewind(self) -> None:
        """Nothing has moved."""

    def seek(self, ticks: int) -> bool:
        """There is nothing to seek in."""
        return False

    def count_damage(self) -> None:
        """Counts something that is wrong."""
        self.damaged_packets += 1

    def images(self) -> Iterator[av.VideoFrame]:
        """The picture."""
        self.damaged_packets += self._missing
        yield self._image
