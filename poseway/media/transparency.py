"""Flattens transparent frames onto white, as a web page would show them."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, cast

import av
import numpy as np
from numpy.typing import NDArray

from poseway.media.yuv import samples

_WHITE: Final = 255
_LIMITED_WHITE: Final = 235
_NEUTRAL: Final = 128
_FULL: Final = 2
_HALF: Final = 128
_ROWS: Final = 64
_UNUSED_ALPHA_CODECS: Final = ("rawvideo", "huffyuv", "ffvhuff", "utvideo", "qtrle")
# FFmpeg's native VP8 and VP9 decoders ignore the alpha channel that WebM stores beside the frames.
_ALPHA_DECODERS: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


@lru_cache(maxsize=256)
def may_be_transparent(form: str) -> bool:
    """Whether a pixel format, by FFmpeg's name, has alpha or a palette."""
    layout = av.VideoFormat(form)
    return layout.has_palette or any(part.is_alpha for part in layout.components)


def alpha_decoder(stream: av.VideoStream) -> av.VideoCodecContext:
    """Returns a decoder for a stream that keeps its alpha channel: the stream's own or libvpx's."""
    context = stream.codec_context
    name = _ALPHA_DECODERS.get(context.name)
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    if name is None or tags.get("alpha_mode") != "1":
        return context
    return cast("av.VideoCodecContext", av.CodecContext.create(name, "r"))


def flatten(image: av.VideoFrame) -> av.VideoFrame:
    """Returns the frame on white, or the frame itself if its format has no transparency.

    The result has 8 bits per sample and keeps its colour description, but no times and no side
    data.
    """
    if not may_be_transparent(image.format.name):
        return image
    result = _yuv(image) if image.format.name.startswith("yuva") else _rgb(image)
    result.color_trc, result.color_primaries = image.color_trc, image.color_primaries
    return result


def flattener(first: av.VideoFrame, codec: str) -> Callable[[av.VideoFrame], av.VideoFrame]:
    """Returns the function that makes the frames of a stream opaque.

    Screen recorders write four samples per pixel and leave the fourth at 0. If the first frame of
    such a codec is entirely transparent, its alpha is taken for unused and ignored.

    Args:
        first: The first frame of the stream.
        codec: FFmpeg's name of its codec.
    """
    if codec in _UNUSED_ALPHA_CODECS and may_be_transparent(first.format.name):
        rgba = cast("NDArray[np.uint8]", first.to_ndarray(format="rgba", threads=1))
        if not rgba[..., 3].any():
            return _ignore_alpha
    return flatten


def on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composites an image, uint8 (height, width, 4), onto white: uint8 (height, width, 3)."""
    result = np.empty((*rgba.shape[:2], 3), np.uint8)
    _blend(rgba[..., :3], rgba[..., 3:], _WHITE, result)
    return result


def _ignore_alpha(image: av.VideoFrame) -> av.VideoFrame:
    """Drops the alpha channel without compositing."""
    return (
        image.reformat(format="rgb24", threads=1)
        if may_be_transparent(image.format.name)
        else image
    )


def _rgb(image: av.VideoFrame) -> av.VideoFrame:
    rgba = cast("NDArray[np.uint8]", image.to_ndarray(format="rgba", threads=1))
    return av.VideoFrame.from_ndarray(on_white(rgba), format="rgb24")


def _yuv(image: av.VideoFrame) -> av.VideoFrame:
    """Composites sample by sample as stored, which needs no knowledge of the matrix."""
    full = image.color_range == _FULL
    whole = image.reformat(format="yuva444p", threads=1)
    result = av.VideoFrame(image.width, image.height, "yuv444p")
    result.colorspace, result.color_range = image.colorspace, image.color_range
    *planes, alpha = (samples(plane) for plane in whole.planes)
    white = _WHITE if full else _LIMITED_WHITE
    for target, plane, shade in zip(
        result.planes, planes, (white, _NEUTRAL, _NEUTRAL), strict=True
    ):
        _blend(plane, alpha, shade, samples(target))
    return result


def _blend(
    picture: NDArray[np.uint8], alpha: NDArray[np.uint8], shade: int, target: NDArray[np.uint8]
) -> None:
    """Writes samples composited over a constant shade to `target`."""
    # Block by block, because the intermediate 16-bit samples take twice the memory.
    for top in range(0, len(picture), _ROWS):
        rows = slice(top, top + _ROWS)
        weight = alpha[rows].astype(np.uint16)
        total = picture[rows] * weight
        total += (_WHITE - weight) * shade
        # Division by 255, rounded.
        total += _HALF
        total += total >> 8
        np.copyto(target[rows], total >> 8, casting="unsafe")
