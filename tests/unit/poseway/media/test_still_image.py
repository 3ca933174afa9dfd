"""Still images: upright, in the right colours, one frame each, or explained if unreadable."""

import io
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import VideoError
from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoReader
from poseway.media.resize import fit, limited
from poseway.media.still_image import MAX_PIXELS
from poseway_inference.yuv import to_bgr
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from tests.support.still_images import CORNERS, card, corners, encoded, held, tagged

KINDS: Final = ("jpg", "png", "webp", "bmp", "tiff")


def read(data: bytes) -> VideoReader:
    return VideoReader(io.BytesIO(data), threads=1)


def only(data: bytes) -> SourceFrame:
    (frame,) = read(data).frames()
    return frame


def seen(data: bytes) -> list[NDArray[np.int_]]:
    """Returns the RGB of the quarters: as BGR frame, for the network, and on a canvas."""
    reader = read(data)
    (frame,) = reader.frames()
    return colours_of(reader, frame)


def colours_of(reader: VideoReader, frame: SourceFrame) -> list[NDArray[np.int_]]:
    """Returns the colours of a video frame."""
    width, height = reader.info.width, reader.info.height
    canvas = Canvas(width, height, ColourSpace.of(reader.stream))
    canvas.show(frame)
    pictures = (
        frame.bgr(width, height),
        to_bgr(frame.yuv(width, height)),
        np.asarray(canvas.frame.to_ndarray(format="bgr24"), np.uint8)[:height, :width],
    )
    return [corners(picture[..., ::-1]) for picture in pictures]


def grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_image_is_a_video_of_one_frame(kind: str) -> None:
    reader = read(encoded(card(65, 49), kind))
    info = reader.info
    assert info.is_photo
    assert (info.width, info.height, info.frames, info.duration) == (65, 49, 1, None)
    for _ in range(2):
        (frame,) = reader.frames()
        assert (frame.index, frame.pts, frame.duration) == (0, 0, 1)
        assert frame.duration * info.time_base == Fraction(1, 25)
        assert np.abs(corners(frame.bgr(65, 49)[..., ::-1]) - CORNERS).max() < 4
    assert reader.damaged_packets == 0


@pytest.mark.parametrize("kind", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(kind: str, orientation: int) -> None:
    data = tagged(encoded(held(card(), orientation), kind), orientation)
    info = read(data).info
    assert (info.width, info.height) == (64, 48)
    for colours in seen(data):
        assert np.abs(colours - CORNERS).max() < 5


def with_others() -> bytes:
    """A JPEG with an image embedded and another one appended, as phones write it."""
    data, other = encoded(card(), "jpg"), encoded(255 - card(), "jpg")
    length = (len(other) + 2).to_bytes(2)
    return data[:2] + b"\xff\xe2" + length + other + data[2:] + other + other


SAMPLES: Final[dict[str, Callable[[], bytes]]] = {
    "4:4:4": lambda: encoded(card(), "jpg", cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111),
    "4:2:2": lambda: encoded(card(), "jpg", cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x211111),
    "progressive": lambda: encoded(card(), "jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "16 bits PNG": lambda: encoded(card().astype(np.uint16) * 257, "png"),
    "16 bits TIFF": lambda: encoded(card().astype(np.uint16) * 257, "tiff"),
    "lossless WebP": lambda: encoded(card(), "webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    "opaque": lambda: encoded(np.dstack((card(), np.full((48, 64), 255, np.uint8))), "png"),
    "several JPEGs": with_others,
    "with a video behind": lambda: encoded(card(), "jpg") + b"\0\0\0\x18ftypmp42" + bytes(5000),
    "two pages": lambda: cv2.imencodemulti(
        ".tiff", [np.ascontiguousarray(page[..., ::-1]) for page in (card(), 255 - card())]
    )[1].tobytes(),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_colours_are_right_in_every_format(name: str) -> None:
    for colours in seen(SAMPLES[name]()):
        assert np.abs(colours - CORNERS).max() < 5


@pytest.mark.parametrize("kind", KINDS)
def test_grey_is_grey(kind: str) -> None:
    for colours in seen(encoded(grey(card()), kind)):
        assert np.abs(colours - corners(grey(card()))[:, None]).max() < 4


@pytest.mark.parametrize("kind", ["png", "webp", "tiff"])
def test_transparent_image_is_flattened_onto_white(kind: str) -> None:
    alpha = np.full((48, 64), 255, np.uint8)
    alpha[:24, :32] = 0
    alpha[24:, :32] = 51
    expected = [[255] * 3, CORNERS[1], [212, 214, 246], CORNERS[3]]
    for colours in seen(encoded(np.dstack((card(), alpha)), kind)):
        assert np.abs(colours - expected).max() < 5


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 1), (1, 200), (60_000, 100), (8192, 6144)])
@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_tiny_and_huge_images_are_read(size: tuple[int, int], kind: str) -> None:
    width, height = size
    reader = read(encoded(np.full((height, width, 3), 90, np.uint8), kind))
    assert (reader.info.width, reader.info.height) == size
    (frame,) = reader.frames()
    assert max(limited(width, height, 0)) <= 8192
    shown = frame.bgr(*fit(width, height, 400))
    assert max(shown.shape) <= 8192
    assert np.abs(shown.astype(int) - 90).max() < 5


def too_many() -> bytes:
    side = int(MAX_PIXELS**0.5) + 8
    return encoded(np.zeros((side, side), np.uint8), "png")


BAD: Final[dict[str, Callable[[], bytes]]] = {
    "more pixels than there is memory for": too_many,
    "the head of a JPEG": lambda: encoded(card(640, 480), "jpg")[:200],
    "half a PNG": lambda: encoded(card(640, 480), "png", cv2.IMWRITE_PNG_COMPRESSION, 0)[:400_000],
    "half a BMP": lambda: encoded(card(640, 480), "bmp")[:400_000],
    "half a WebP": lambda: encoded(card(640, 480), "webp")[:600],
    "floating point": lambda: encoded(grey(card()).astype(np.float32) / 255, "tiff"),
}


@pytest.mark.parametrize("name", BAD)
def test_unreadable_images_are_reported(name: str) -> None:
    with pytest.raises(VideoError, match="Save it as a JPEG or PNG") as error:
        read(BAD[name]())
    assert error.value.code == "picture_unreadable"


def test_truncated_jpeg_counts_as_damaged() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    noise[:240] = card(640, 240)
    data = encoded(noise, "jpg")
    reader = read(data[: len(data) * 2 // 3])
    assert reader.damaged_packets == 0
    (frame,) = reader.frames()
    assert reader.damaged_packets == 1
    assert np.abs(corners(frame.bgr(640, 480)[:240, :, ::-1]) - CORNERS).max() < 5


class Named(io.BytesIO):
    """A file whose name FFmpeg would take for a pattern."""

    name = ""


def test_no_other_file_is_opened(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("others")
    for number in range(3):
        (folder / f"{number:03d}.jpg").write_bytes(encoded(255 - card(), "jpg"))
    file = Named(encoded(card(), "jpg"))
    file.name = str(folder / "%03d.jpg")
    reader = VideoReader(file, threads=1)
    (frame,) = reader.frames()
    assert np.abs(corners(frame.bgr(64, 48)[..., ::-1]) - CORNERS).max() < 5
