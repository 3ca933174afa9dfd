"""Transparent videos are flattened onto white: as BGR, for the network, and on a canvas."""

import io
from fractions import Fraction
from typing import Final, cast

import av
import numpy as np
import pytest

from poseway.media.reader import VideoReader
from poseway.media.tone_mapping import PQ
from poseway.media.transparency import flatten
from tests.support.still_images import CORNERS, card
from tests.unit.poseway.media.test_still_image import colours_of

HALF: Final = 128
# Opaque, transparent, half transparent, opaque.
SHOWN: Final = (CORNERS[0], (255, 255, 255), (147, 152, 232), CORNERS[3])
KINDS: Final = {
    "ProRes 4444": ("prores_ks", "mov", "yuva444p10le"),
    "QuickTime Animation": ("qtrle", "mov", "argb"),
    "FFV1 RGB": ("ffv1", "matroska", "bgra"),
    "FFV1 YUV": ("ffv1", "matroska", "yuva420p"),
    "HuffYUV": ("huffyuv", "avi", "bgra"),
    "Ut Video": ("utvideo", "avi", "gbrap"),
    "PNG": ("png", "mov", "rgba"),
    "PNG of 16 bits": ("png", "mov", "rgba64be"),
    "VP8": ("libvpx", "webm", "yuva420p"),
    "VP9": ("libvpx-vp9", "webm", "yuva420p"),
}


def clear(codec: str, container: str, pix_fmt: str, frames: int = 30) -> bytes:
    alpha = np.full((64, 128), 255, np.uint8)
    alpha[:32, 64:] = 0
    alpha[32:, :64] = HALF
    picture = np.dstack((card(128, 64), alpha))
    data = io.BytesIO()
    with av.open(data, "w", format=container) as output:
        stream = cast("av.VideoStream", output.add_stream(codec, rate=10))
        stream.width, stream.height, stream.pix_fmt = 128, 64, pix_fmt
        if codec.startswith("libvpx"):
            stream.metadata["alpha_mode"] = "1"
            stream.codec_context.options = {"auto-alt-ref": "0", "g": "10", "crf": "4", "b": "2M"}
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return data.getvalue()


@pytest.mark.parametrize("name", KINDS)
def test_transparent_video_is_flattened_onto_white(name: str) -> None:
    reader = VideoReader(io.BytesIO(clear(*KINDS[name])), threads=1)
    frames = list(reader.frames())
    assert [frame.index for frame in frames] == list(range(30))
    for colours in colours_of(reader, frames[0]):
        assert np.abs(colours - SHOWN).max() < 12


@pytest.mark.parametrize("name", KINDS)
def test_seeking_yields_the_same_frames(name: str) -> None:
    reader = VideoReader(io.BytesIO(clear(*KINDS[name])), threads=1)
    whole = [(frame.index, frame.pts, frame.previous) for frame in reader.frames()]
    for index in (7, 25):
        frames = list(reader.frames(index, whole[index][1]))
        assert [(frame.index, frame.pts, frame.previous) for frame in frames] == whole[index:]
        for colours in colours_of(reader, frames[0]):
            assert np.abs(colours - SHOWN).max() < 12


def test_opaque_frame_is_returned_unchanged() -> None:
    for form in ("yuv420p", "yuv422p10le", "rgb24", "gray"):
        image = av.VideoFrame(64, 48, form)
        assert flatten(image) is image


def test_colour_description_is_kept() -> None:
    image = av.VideoFrame(64, 48, "yuva444p12le")
    image.color_trc, image.color_primaries, image.colorspace, image.color_range = PQ, 9, 9, 1
    kept = flatten(image)
    assert (kept.color_trc, kept.color_primaries, kept.colorspace) == (PQ, 9, 9)
    assert kept.color_range == 1
