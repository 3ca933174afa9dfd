"""Videos whose frames change size, aspect or format midway, like those of rotated phones."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.stream import VideoStream

RATE = 25


@dataclass(frozen=True)
class Part:
    """Consecutive frames of one shape.

    Attributes:
        pictures: Frames as stored, uint8 (height, width, 3) RGB.
        aspect: Width of a stored pixel divided by its height.
        turned: Degrees of clockwise rotation that the H.264 stream itself declares.
        pixels: FFmpeg's name of the pixel format.
        range: FFmpeg's value of the sample range.
        options: Options of the encoder.
    """

    pictures: Sequence[NDArray[np.uint8]]
    aspect: Fraction = Fraction(1)
    turned: int = 0
    pixels: str = "yuv420p"
    range: int = 1
    options: dict[str, str] = field(default_factory=dict)


def film(parts: Sequence[Part], codec: str = "libx264", container: str = "matroska") -> bytes:
    """Encodes parts one after the other into one stream; each starts with a keyframe."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = cast("VideoStream", output.add_stream(codec, rate=RATE))
        _prepare(stream.codec_context, parts[0])
        index = 0
        for number, part in enumerate(parts):
            context = stream.codec_context
            if number:
                context = cast("av.VideoCodecContext", av.CodecContext.create(codec, "w"))
                _prepare(context, part)
            turn = _turning(stream, part) if part.turned else None
            for packet in _packets(context, part, index):
                for done in turn.filter(packet) if turn else [packet]:
                    done.stream = stream
                    output.mux(done)
            index += len(part.pictures)
    return file.getvalue()


def _prepare(context: av.VideoCodecContext, part: Part) -> None:
    context.height, context.width = part.pictures[0].shape[:2]
    context.pix_fmt = part.pixels
    context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
    context.sample_aspect_ratio = part.aspect
    context.color_range = part.range
    quick = (
        {"g": "10", "preset": "veryfast", "bf": "2"} if context.name == "libx264" else {"g": "10"}
    )
    context.options = {**quick, **part.options}


def _packets(
    context: av.VideoCodecContext, part: Part, first: int
) -> "list[av.Packet[VideoStream]]":
    packets = []
    for number, picture in enumerate(part.pictures):
        rgb = av.VideoFrame.from_ndarray(picture, format="rgb24")
        image = rgb.reformat(format=part.pixels, dst_colorspace=5, dst_color_range=part.range)
        image.pts, image.time_base = first + number, Fraction(1, RATE)
        packets += context.encode(image)
    packets += context.encode(None)
    for packet in packets:
        packet.time_base = Fraction(1, RATE)
    return packets


def _turning(stream: "VideoStream", part: Part) -> BitStreamFilterContext:
    words = f"h264_metadata=display_orientation=insert:rotate={part.turned}"
    return BitStreamFilterContext(words, stream)


def squares(
    width: int, height: int, count: int = 10, brightness: int = 60
) -> list[NDArray[np.uint8]]:
    """A grey frame with a red square in its centre, a third of the shorter side."""
    picture = np.full((height, width, 3), brightness, np.uint8)
    half = min(width, height) // 6
    y, x = height // 2, width // 2
    picture[y - half : y + half, x - half : x + half] = (220, 30, 30)
    return [picture] * count
