"""Draws people on canvases, and finds what was drawn."""

import numpy as np
from numpy.typing import NDArray

from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.people import Person
from poseway_renderer.drawing.skeletons import SkeletonPainter
from poseway_renderer.drawing.style import Style

WIDTH, HEIGHT = 960, 720
SPACE = ColourSpace(1, 1, 1, False, 1)
PLAIN = Style()


def drawn(*people: Person, space: ColourSpace = SPACE, style: Style = PLAIN) -> Canvas:
    canvas = Canvas(WIDTH, HEIGHT, space)
    canvas.blacken()
    SkeletonPainter(WIDTH, HEIGHT, space, style).paint(canvas, list(people))
    return canvas


def at(canvas: Canvas, x: float, y: float) -> tuple[int, int, int]:
    row, column = round(y), round(x)
    return (
        int(canvas.luma[row, column]),
        int(canvas.chroma[0][row // 2, column // 2]),
        int(canvas.chroma[1][row // 2, column // 2]),
    )


def touched(canvas: Canvas) -> NDArray[np.bool_]:
    """Returns the pixels that changed in any plane."""
    chroma = (canvas.chroma[0] != 128) | (canvas.chroma[1] != 128)
    changed: NDArray[np.bool_] = chroma.repeat(2, axis=0).repeat(2, axis=1)
    changed |= canvas.luma != 16
    return changed
