import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseway.errors import InvalidRequestError
from poseway_inference.families.openpose.geometry import Geometry

HEIGHT = 368
STRIDE = 8
sizes = st.integers(1, 8192)


def keypoint(x: float, y: float, score: float = 1.0) -> np.ndarray:
    keypoints = np.zeros((1, 18, 3), np.float32)
    keypoints[0, 0] = x, y, score
    return keypoints


@given(sizes, sizes)
def test_input_size_is_bounded(width: int, height: int) -> None:
    geometry = Geometry.fit(width, height, HEIGHT)
    input_width, input_height = geometry.input_size
    assert input_width % STRIDE == 0
    assert input_height % STRIDE == 0
    assert geometry.scaled_width <= input_width <= 4 * HEIGHT
    assert geometry.scaled_height <= input_height <= HEIGHT
    assert input_width - geometry.scaled_width < STRIDE or input_width == 64
    assert input_height - geometry.scaled_height < STRIDE or input_height == 64
    # The aspect is kept, up to rounding to whole pixels.
    scale = min(HEIGHT / height, 4 * HEIGHT / width)
    assert abs(geometry.scaled_width - width * scale) <= 1
    assert abs(geometry.scaled_height - height * scale) <= 1


@given(
    st.integers(100, 4000),
    st.integers(100, 4000),
    st.floats(0.1, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_points_survive_the_round_trip(
    width: int, height: int, scale: float, u: float, v: float
) -> None:
    geometry = Geometry.fit(round(width * scale), round(height * scale), HEIGHT)
    x, y = u * (width - 1), v * (height - 1)
    cells_x = geometry.scaled_width / width / STRIDE
    cells_y = geometry.scaled_height / height / STRIDE
    point = keypoint((x + 0.5) * cells_x - 0.5, (y + 0.5) * cells_y - 0.5)
    back = geometry.to_source(point, (width, height))[0, 0]
    assert abs(back[0] - x) * cells_x < 0.1
    assert abs(back[1] - y) * cells_y < 0.1
    assert back[2] == 1


@pytest.mark.parametrize("frame_size", [(1280, 720), (640, 360), (655, 368), (321, 181)])
def test_pixels_and_points_move_together(frame_size: tuple[int, int]) -> None:
    """Follows a blob of pixels through both scalings, independently of the formulas."""
    width, height, x, y = 1280, 720, 517.3, 290.8
    rows, columns = np.mgrid[:height, :width]
    blob = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 20**2))
    source = np.repeat(blob[..., None], 3, axis=2).round().astype(np.uint8)
    frame = np.asarray(cv2.resize(source, frame_size, interpolation=cv2.INTER_AREA), np.uint8)

    geometry = Geometry.fit(*frame_size, HEIGHT)
    image = geometry.prepare(frame)[0, ..., 0]
    image[geometry.scaled_height :] = 0
    image[:, geometry.scaled_width :] = 0
    cells = image.reshape(image.shape[0] // STRIDE, STRIDE, -1, STRIDE).mean(axis=(1, 3))
    rows, columns = np.mgrid[: cells.shape[0], : cells.shape[1]]
    point = keypoint((cells * columns).sum() / cells.sum(), (cells * rows).sum() / cells.sum())

    back = geometry.to_source(point, (width, height))[0, 0]
    cell = STRIDE * height / HEIGHT
    assert np.hypot(back[0] - x, back[1] - y) < 0.1 * cell


def test_frame_of_the_right_size_is_not_resampled() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (HEIGHT, 652, 3), np.uint8)
    image = Geometry.fit(652, HEIGHT, HEIGHT).prepare(frame)
    assert image.shape == (1, HEIGHT, 656, 3)
    assert image.dtype == np.float32
    assert np.array_equal(image[0, :, :652], frame)
    assert (image[0, :, 652:] == 127).all()


@pytest.mark.parametrize(("width", "height"), [(8000, 200), (200, 8000), (16, 16), (1, 1)])
def test_frames_of_odd_sizes_can_be_prepared(width: int, height: int) -> None:
    image = Geometry.fit(width, height, HEIGHT).prepare(np.full((height, width, 3), 9, np.uint8))
    assert image.size <= 4 * HEIGHT * HEIGHT * 3
    assert image[0, 0, 0, 0] == 9


def test_undetected_keypoints_stay_zero_and_others_inside() -> None:
    geometry = Geometry.fit(640, 360, HEIGHT)
    keypoints = keypoint(1000, -3, 0.5)
    back = geometry.to_source(keypoints, (1920, 1080))
    assert back.dtype == np.float32
    assert back[0, 0].tolist() == [1919, 0, 0.5]
    assert not back[0, 1:].any()


def test_invalid_sizes_are_refused() -> None:
    geometry = Geometry.fit(640, 360, HEIGHT)
    with pytest.raises(InvalidRequestError, match="size is 0 x 10"):
        Geometry.fit(0, 10, HEIGHT)
    with pytest.raises(InvalidRequestError, match="size is 640 x 0"):
        geometry.to_source(keypoint(0, 0), (640, 0))
    for shape in ((360, 641, 3), (360, 640, 4), (360, 640)):
        with pytest.raises(InvalidRequestError, match="640 x 360 pixels"):
            geometry.prepare(np.zeros(shape, np.uint8))
