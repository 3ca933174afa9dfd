"""Contact sheets show all screenshots in order, small, with their frame numbers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway_renderer.media.encode import jpeg
from poseway_renderer.pictures.contact_sheet import MAX_TILES, chosen, contact_sheet
from tests.support.people_to_draw import decoded


def shot(value: int, width: int = 640, height: int = 360) -> bytes:
    """A grey image with a bright left edge."""
    picture = np.full((height, width, 3), value, np.uint8)
    picture[:, : width // 10] = 255
    return jpeg(picture)


def sheet(*screenshots: tuple[int, bytes]) -> NDArray[np.uint8]:
    data = contact_sheet(screenshots)
    assert data is not None
    return decoded(data)


@pytest.mark.parametrize(
    ("count", "columns", "rows"),
    [(1, 1, 1), (3, 3, 1), (4, 4, 1), (5, 4, 2), (25, 5, 5), (60, 6, 10)],
)
def test_tiles_are_complete_and_in_order(count: int, columns: int, rows: int) -> None:
    picture = sheet(*((n, shot(40 + 3 * n)) for n in range(count)))
    height, width, _ = picture.shape
    assert (width - 4) // columns == 324
    assert (height - 4) // rows == 184
    for n in range(columns * rows):
        y, x = 4 + n // columns * 184, 4 + n % columns * 324
        value = 40 + 3 * n if n < count else 24
        assert np.abs(picture[y + 60 : y + 120, x + 100 : x + 300].astype(int) - value).max() < 5
        assert (picture[y + 90, x + 10].min() > 240) == (n < count)


def test_tiles_show_their_frame_number() -> None:
    def corner(index: int) -> NDArray[np.uint8]:
        return sheet((index, shot(120)))[160:184, :160]

    plain = np.full_like(corner(1), 120)
    assert np.abs(corner(150).astype(int) - plain).max() > 100
    # Equal numbers look alike, different ones differ, and longer ones are wider.
    assert np.array_equal(corner(150), corner(150))
    assert not np.array_equal(corner(150), corner(160))
    written = [(corner(n)[12, 34:] < 60).any(axis=1).sum() for n in (1, 1000, 1_000_000)]
    assert written[0] < written[1] < written[2]


@pytest.mark.parametrize(("width", "height"), [(360, 640), (400, 400), (1920, 400), (16, 9)])
def test_tiles_keep_the_aspect_ratio(width: int, height: int) -> None:
    rows, columns, _ = sheet((0, shot(100, width, height))).shape
    assert (columns - 8) / (rows - 8) == pytest.approx(width / height, rel=0.02)
    assert (columns - 8) * (rows - 8) == pytest.approx(320 * 180, rel=0.02)


def test_unreadable_screenshots_are_left_out() -> None:
    broken = (1, b"This is no picture.")
    empty = (2, b"")
    whole, rest = sheet((0, shot(50)), (3, shot(90))), (0, shot(50))
    assert np.array_equal(sheet(rest, broken, empty, (3, shot(90))), whole)
    assert contact_sheet([broken, empty]) is None
    assert contact_sheet([]) is None


def test_number_of_tiles_is_limited() -> None:
    assert chosen([]) == []
    assert chosen([4, 9]) == [4, 9]
    few = chosen(list(range(0, 5000, 50)))
    assert len(few) == len(set(few)) == MAX_TILES
    assert (few[0], few[-1]) == (0, 4950)
    steps = np.diff(few)
    assert steps.min() >= 50
    assert steps.max() <= 100
