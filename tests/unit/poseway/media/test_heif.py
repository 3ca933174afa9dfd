"""HEIC and AVIF images of phones: tiled, rotated, in 10 bits, or explained if unreadable."""

import io
from collections.abc import Callable
from typing import Final

import numpy as np
import pytest

from poseway.errors import VideoError
from poseway.media.frame import SourceFrame
from poseway.media.heif import as_png, is_heic
from poseway.media.reader import VideoReader
from tests.support.heif import heic
from tests.support.still_images import CORNERS, card, corners, encoded, held
from tests.support.videos import Tags
from tests.unit.poseway.media.test_still_image import seen

FULL: Final = Tags(matrix=6, range=2)
BT709: Final = Tags(matrix=1, primaries=1, transfer=1)
BT2020: Final = Tags(matrix=9, primaries=9, transfer=14)
PQ: Final = Tags(matrix=9, primaries=9, transfer=16)


def read(data: bytes) -> VideoReader:
    return VideoReader(io.BytesIO(data), threads=1)


def only(data: bytes) -> SourceFrame:
    (frame,) = read(data).frames()
    return frame


def halves(**options: object) -> bytes:
    """The test card in two tiles."""
    picture = card(128, 64)
    return heic([picture[:, :64], picture[:, 64:]], grid=True, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"avif"])
def test_tiles_are_assembled_to_one_image(brand: bytes) -> None:
    data = halves(brand=brand)
    info = read(data).info
    assert info.is_photo
    assert (info.width, info.height, info.frames) == (128, 64, 1)
    for colours in seen(data):
        assert np.abs(colours - CORNERS).max() < 12


def test_tiled_avif_is_rotated_too() -> None:
    stored = held(card(64, 128), 6)
    data = heic([stored[:, :64], stored[:, 64:]], grid=True, turns=3, brand=b"avif")
    assert (read(data).info.width, read(data).info.height) == (64, 128)
    for colours in seen(data):
        assert np.abs(colours - CORNERS).max() < 12


def test_damaged_tiled_avif_is_reported() -> None:
    data = halves(brand=b"avif")
    at = data.rindex(b"mdat") + 4
    with pytest.raises(VideoError, match="AVIF image is damaged") as error:
        read(data[:at] + bytes(len(data) - at))
    assert error.value.code == "picture_unreadable"


def test_heic_without_tiles_is_read() -> None:
    data = heic([card(64, 64), 255 - card(64, 64)], grid=False)
    assert read(data).info.is_photo
    for colours in seen(data):
        assert np.abs(colours - CORNERS).max() < 12


@pytest.mark.parametrize("grid", [True, False])
@pytest.mark.parametrize(
    ("orientation", "turns", "mirror"), [(6, 3, None), (8, 1, None), (3, 2, None), (2, 0, 1)]
)
def test_rotation_is_applied(grid: bool, orientation: int, turns: int, mirror: int | None) -> None:
    stored = held(card(128, 64) if orientation in (2, 3) else card(64, 128), orientation)
    tiles = [stored[:, :64], stored[:, 64:]] if grid else [stored]
    data = heic(
        [np.ascontiguousarray(tile) for tile in tiles], grid=grid, turns=turns, mirror=mirror
    )
    info = read(data).info
    assert (info.width, info.height) == ((128, 64) if orientation in (2, 3) else (64, 128))
    for colours in seen(data):
        assert np.abs(colours - CORNERS).max() < 12


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv422p10le", "yuv420p10le"])
@pytest.mark.parametrize("tags", [FULL, BT709, BT2020], ids=["full", "709", "2020"])
def test_colours_are_right(pix_fmt: str, tags: Tags) -> None:
    for colours in seen(halves(pix_fmt=pix_fmt, tags=tags)):
        assert np.abs(colours - CORNERS).max() < 12


def test_hdr_is_mapped_as_in_a_video() -> None:
    colours = corners(only(halves(pix_fmt="yuv420p10le", tags=PQ)).bgr(128, 64)[..., ::-1])
    # An 8-bit signal of 128 is about 100 of 10,000 cd/m2; the white of standard range is 203.
    assert 100 < colours[3].mean() < 230
    assert np.ptp(colours[3]) < 8
    assert colours[0].argmax() == 0
    assert colours[2].argmax() == 2


def cut() -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
    data = heic([noise, noise], grid=True)
    return data[: -len(data) // 4]


BAD: Final[dict[str, tuple[Callable[[], bytes], str]]] = {
    "cut off": (cut, "incomplete: .* bytes are missing"),
    "its head alone": (lambda: halves()[:40], "incomplete|damaged"),
    "damaged": (lambda: halves().replace(b"hvcC", b"hvcX"), "damaged"),
    "without a picture": (lambda: halves().replace(b"pitm", b"xitm"), "damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_unreadable_images_are_reported(name: str) -> None:
    make, words = BAD[name]
    with pytest.raises(VideoError, match=words) as error:
        read(make())
    assert error.value.code == "picture_unreadable"
    assert "JPEG" in str(error.value) or "complete file" in str(error.value)


def test_oversized_image_is_refused_before_decoding() -> None:
    with pytest.raises(VideoError, match="128 x 64 pixels, more than 50 megapixels") as error:
        as_png(io.BytesIO(halves()), max_pixels=128 * 64 - 1)
    assert error.value.code == "picture_unreadable"


def test_avif_is_not_heic() -> None:
    head = b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf"
    assert not is_heic(head)
    assert is_heic(head.replace(b"avif", b"heic"))
    assert not is_heic(encoded(card(), "jpg"))
    assert not is_heic(b"")
