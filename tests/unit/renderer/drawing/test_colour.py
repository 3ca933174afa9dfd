"""Colour conversion, compared with values from the standards."""

import pytest

from poseway_renderer.drawing.colour import ColourSpace

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def space(matrix: int, *, full: bool) -> ColourSpace:
    return ColourSpace(matrix, matrix, matrix, full, matrix)


@pytest.mark.parametrize(
    ("matrix", "full", "rgb", "yuv"),
    [
        # The colour bars of ITU-R BT.601 and BT.709, and those of JPEG's full range.
        (5, False, RED, (81, 90, 240)),
        (5, False, GREEN, (145, 54, 34)),
        (6, False, BLUE, (41, 240, 110)),
        (1, False, RED, (63, 102, 240)),
        (1, False, GREEN, (173, 42, 26)),
        (1, False, BLUE, (32, 240, 118)),
        (5, True, RED, (76, 85, 255)),
        (5, True, BLUE, (29, 255, 107)),
    ],
)
def test_conversion_matches_the_standards(
    matrix: int, full: bool, rgb: tuple[int, int, int], yuv: tuple[int, int, int]
) -> None:
    assert space(matrix, full=full).yuv(rgb) == yuv


@pytest.mark.parametrize("matrix", [1, 5, 9])
def test_black_and_white_have_neutral_chroma(matrix: int) -> None:
    assert space(matrix, full=False).yuv((0, 0, 0)) == (16, 128, 128)
    assert space(matrix, full=False).yuv((255, 255, 255)) == (235, 128, 128)
    assert space(matrix, full=True).yuv((0, 0, 0)) == (0, 128, 128)
    assert space(matrix, full=True).yuv((255, 255, 255)) == (255, 128, 128)
