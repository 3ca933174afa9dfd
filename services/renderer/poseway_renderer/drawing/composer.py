"""Composes the drawn frames of a segment: background, blurred heads, trails and skeletons."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final, assert_never

import numpy as np

from poseway.jobs import Overlay
from poseway.media.frame import SourceFrame
from poseway_renderer.drawing.blur import blur, hide
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.heads import HeadFinder
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.drawing.skeletons import SkeletonPainter
from poseway_renderer.drawing.style import Style
from poseway_renderer.drawing.trails import Trails

# Width of a trail as a fraction of the square root of the frame's area.
_TRAIL: Final = 1 / 200


class Composer:
    """Draws frames of one video in order, since heads and trails depend on preceding frames."""

    def __init__(
        self, width: int, height: int, space: ColourSpace, time_base: Fraction, style: Style
    ) -> None:
        """Prepares a composer.

        Args:
            width: Pixels of the video, without the column that makes them even.
            height: Pixels of the video, without the row that makes them even.
            space: Colours of the canvases.
            time_base: Seconds per tick of presentation times.
            style: What is drawn.
        """
        self._overlay = style.overlay
        self._painter = SkeletonPainter(width, height, space, style)
        self._heads = self._trails = None
        if style.overlay is Overlay.FACES_BLURRED:
            self._heads = HeadFinder(width, height, time_base)
        if style.trails:
            trail = max(2.0, _TRAIL * float(np.sqrt(width * height)))
            self._trails = Trails(trail, space, time_base)

    def observe(self, before: Iterable[PosedFrame]) -> None:
        """Takes frames that precede the first one to be drawn."""
        for frame in before:
            if self._heads:
                self._heads.find(frame)
            if self._trails:
                self._trails.follow(frame)

    def prepare(self, canvas: Canvas, source: SourceFrame, frame: PosedFrame) -> None:
        """Paints the background of the next frame and hides what the style hides.

        Args:
            canvas: Painted over completely.
            source: The frame of the video.
            frame: Its people, in pixels of the canvas.
        """
        match self._overlay:
            case Overlay.VIDEO | Overlay.FACES_BLURRED:
                canvas.show(source)
            case Overlay.BLACK:
                canvas.blacken()
            case Overlay.BLURRED:
                canvas.show(source)
                blur(canvas)
            case _:
                # mypy reports a new overlay that is not handled above.
                assert_never(self._overlay)
        if self._heads:
            for head in self._heads.find(frame):
                hide(canvas, head)

    def draw(self, canvas: Canvas, frame: PosedFrame) -> None:
        """Draws the people of the frame that the canvas was prepared for."""
        if self._trails:
            self._trails.follow(frame)
            self._trails.draw(canvas)
        self._painter.paint(canvas, frame.people)
