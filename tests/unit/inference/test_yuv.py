"""YUV 4:2:0 converts back to the colours that it was made from."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.media.reader import VideoReader
from poseway.media.yuv import LUMA_WEIGHTS, Yuv
from poseway_inference.yuv import to_bgr
from tests.support.videos import make_video

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 120, 40)]


def of_one_colour(
    rgb: tuple[int, int, int], matrix: int, size: tuple[int, int], *, full: bool
) -> Yuv:
    """Converts to YUV by equations 38 to 43 of ITU-T H.273."""
    red, green, blue = (value / 255 for value in rgb)
    kr, kb = LUMA_WEIGHTS[matrix]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    differences = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    y = 255 * luma if full else 16 + 219 * luma
    halves = [min(255, 128 + (255 if full else 224) * value) for value in differences]
    width, height = size
    quarter = ((width + 1) // 2) * ((height + 1) // 2)
    planes = bytes([round(y)] * (width * height))
    for half in halves:
        planes += bytes([round(half)] * quarter)
    return Yuv(width, height, planes, matrix, full)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", LUMA_WEIGHTS)
@pytest.mark.parametrize("size", [(16, 8), (15, 7), (1, 1)])
def test_colours_survive_the_conversion(size: tuple[int, int], matrix: int, full: bool) -> None:
    for rgb in COLOURS:
        pixels = to_bgr(of_one_colour(rgb, matrix, size, full=full))
        assert pixels.shape == (size[1], size[0], 3)
        # One step of chroma changes blue by up to two.
        assert np.abs(pixels.astype(int) - rgb[::-1]).max() <= 2


def halves(index: int) -> NDArray[np.uint8]:
    """Orange on the left, blue on the right."""
    picture = np.empty((240, 320, 3), np.uint8)
    picture[:, :160], picture[:, 160:] = (220, 130, 20), (20, 60, 200)
    return picture


def test_conversion_does_not_shift_the_image() -> None:
    reader = VideoReader(io.BytesIO(make_video(2, picture=halves)))
    frame = next(reader.frames())
    for width, height in ((320, 240), (161, 121), (80, 60)):
        yuv = frame.yuv(width, height)
        assert len(yuv.planes) == Yuv.size(width, height)
        difference = np.abs(to_bgr(yuv).astype(int) - frame.bgr(width, height).astype(int))
        assert difference.mean() < 3


def test_range_and_matrix_of_the_video_are_used() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=25, width=320, height=240, pix_fmt="yuvj420p")
        stream.codec_context.color_range = 2
        stream.codec_context.colorspace = 1
        picture = av.VideoFrame.from_ndarray(halves(0), format="rgb24").reformat(
            format="yuvj420p", dst_colorspace=1, dst_color_range=2
        )
        picture.pts, picture.time_base = 0, Fraction(1, 25)
        output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    frame = next(VideoReader(io.BytesIO(file.getvalue())).frames())
    yuv = frame.yuv(320, 240)
    assert (yuv.matrix, yuv.full) == (1, True)
    pixels = to_bgr(yuv)[120, [40, 280]].astype(int)
    assert np.abs(pixels - [(20, 130, 220), (200, 60, 20)]).max() <= 6
