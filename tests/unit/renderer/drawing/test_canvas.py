"""The canvas holds the upright frame of the video, never the decoder's own memory."""

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.media.frame import SourceFrame
from poseway.media.orientation import Orientation
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.skeletons import SkeletonPainter
from tests.support.people_to_draw import standing

UPRIGHT = Orientation()
LIMITED = ColourSpace(5, 2, 2, False, 5)
FULL = ColourSpace(5, 2, 2, True, 5)


def source(image: av.VideoFrame, orientation: Orientation = UPRIGHT) -> SourceFrame:
    return SourceFrame(0, 0, 1, image, orientation, None)


def planes(image: av.VideoFrame) -> list[NDArray[np.uint8]]:
    return [
        np.frombuffer(memoryview(plane), np.uint8)
        .reshape(plane.height, -1)[:, : plane.width]
        .copy()
        for plane in image.planes
    ]


def random_image(width: int, height: int) -> av.VideoFrame:
    image = av.VideoFrame(width, height, "yuv420p")
    for seed, plane in enumerate(image.planes):
        plane.update(np.random.default_rng(seed).bytes(plane.buffer_size))
    return image


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_every_plane_is_turned_upright(turns: int, mirrored: bool) -> None:
    image = random_image(64, 48)
    width, height = (48, 64) if turns % 2 else (64, 48)
    canvas = Canvas(width, height, LIMITED)
    canvas.show(source(image, Orientation(mirrored, turns)))
    for drawn, plane in zip(planes(canvas.frame), planes(image), strict=True):
        stored = plane[:, ::-1] if mirrored else plane
        assert np.array_equal(drawn, np.rot90(stored, turns))


@pytest.mark.parametrize(("width", "height"), [(63, 48), (64, 47), (63, 47), (1, 1)])
def test_odd_size_repeats_its_edge(width: int, height: int) -> None:
    image = random_image(width, height)
    canvas = Canvas(width, height, LIMITED)
    canvas.show(source(image))
    luma, *chroma = planes(image)
    assert (canvas.frame.width % 2, canvas.frame.height % 2) == (0, 0)
    assert np.array_equal(canvas.luma, np.pad(luma, ((0, height % 2), (0, width % 2)), "edge"))
    for drawn, plane in zip(canvas.chroma, chroma, strict=True):
        assert np.array_equal(drawn, plane)


def test_drawing_does_not_change_the_decoders_frame() -> None:
    image = random_image(320, 240)
    before = planes(image)
    canvas = Canvas(320, 240, LIMITED)
    canvas.show(source(image))
    SkeletonPainter(320, 240, LIMITED).paint(canvas, [standing(1, 160, 40, 160)])
    assert not np.array_equal(canvas.luma, before[0])
    assert all(np.array_equal(a, b) for a, b in zip(planes(image), before, strict=True))


def filled(name: str) -> av.VideoFrame:
    """A frame with luma 200 and chroma 100 and 150, or their equivalents in 10 bits."""
    image = av.VideoFrame(64, 48, name)
    values = [[200], [100, 150]] if name == "nv12" else [[200], [100], [150]]
    ten = name.endswith("10le")
    for plane, value in zip(image.planes, values, strict=True):
        numbers = np.array(value, np.uint16) * 4 if ten else np.array(value, np.uint8)
        plane.update(np.resize(numbers, plane.buffer_size // numbers.itemsize).tobytes())
    return image


@pytest.mark.parametrize("name", ["yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "nv12"])
@pytest.mark.parametrize("space", [LIMITED, FULL])
def test_other_formats_keep_their_sample_values(name: str, space: ColourSpace) -> None:
    image = filled(name)
    image.color_range = space.range
    image.colorspace = space.matrix
    canvas = Canvas(64, 48, space)
    canvas.show(source(image))
    for plane, value in zip((canvas.luma, *canvas.chroma), (200, 100, 150), strict=True):
        assert np.abs(plane.astype(int) - value).max() <= 1


def test_rgb_is_converted_to_the_colour_space() -> None:
    red = np.zeros((48, 64, 3), np.uint8)
    red[:, :, 0] = 255
    canvas = Canvas(64, 48, LIMITED)
    canvas.show(source(av.VideoFrame.from_ndarray(red, format="rgb24")))
    values = (canvas.luma[24, 32], canvas.chroma[0][12, 16], canvas.chroma[1][12, 16])
    expected = LIMITED.yuv((255, 0, 0))
    assert all(abs(int(a) - b) <= 1 for a, b in zip(values, expected, strict=True))


def test_frame_of_another_size_is_scaled() -> None:
    # Some cameras change the frame size midway.
    canvas = Canvas(64, 48, LIMITED)
    canvas.show(source(random_image(128, 96)))
    assert canvas.luma.shape == (48, 64)
    assert canvas.luma.std() > 10


@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize("size", [(160, 90), (107, 61), (33, 17)])
def test_downscaling_averages_samples(size: tuple[int, int], turns: int) -> None:
    image = av.VideoFrame(320, 180, "yuv420p")
    for seed, stored in enumerate(image.planes):
        noise = np.random.default_rng(seed).uniform(30, 220, (stored.height, stored.line_size))
        smooth = cv2.GaussianBlur(noise, (0, 0), 9) * 8 - 7 * 125
        stored.update(smooth.clip(16, 235).astype(np.uint8).tobytes())
    canvas = Canvas(*(size[::-1] if turns else size), LIMITED)
    canvas.show(source(image, Orientation(turns=turns)))
    for drawn, plane in zip((canvas.luma, *canvas.chroma), planes(image), strict=True):
        upright = np.ascontiguousarray(np.rot90(plane, turns))
        wide, high = (size[::-1] if turns else size) if drawn is canvas.luma else drawn.shape[::-1]
        expected = cv2.resize(upright, (wide, high), interpolation=cv2.INTER_AREA)
        difference = np.abs(drawn[:high, :wide].astype(int) - expected)
        assert difference.mean() < 2
