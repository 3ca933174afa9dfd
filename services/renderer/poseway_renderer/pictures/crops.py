"""Images taken from a segment: screenshots of whole frames and stills of one person."""

from fractions import Fraction
from typing import Final, Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.people import Box

# Margin around a person in a still, as a fraction of the person's size, and minimum side of a
# still, as a fraction of the frame's shorter side.
_MARGIN: Final = 0.15
_LEAST: Final = 1 / 5


class ImageSink(Protocol):
    """Destination of images."""

    def screenshot(self, index: int, jpeg: bytes) -> None:
        """Takes the screenshot of a frame, a JPEG."""

    def still(self, track_id: int, jpeg: bytes) -> None:
        """Takes the still of a track, a JPEG."""


def to_image(canvas: Canvas, pixel_aspect: Fraction) -> NDArray[np.uint8]:
    """Converts a canvas to an image with square pixels, uint8 (height, width, 3) in BGR order.

    Args:
        canvas: The canvas.
        pixel_aspect: Width of its pixels divided by their height. The shorter side of a pixel is
            stretched.
    """
    shown = cast("NDArray[np.uint8]", canvas.frame.to_ndarray(format="bgr24"))
    if pixel_aspect == 1:
        return shown
    height, width, _ = shown.shape
    if pixel_aspect > 1:
        size = round(width * pixel_aspect), height
    else:
        size = width, round(height / pixel_aspect)
    return cast("NDArray[np.uint8]", cv2.resize(shown, size, interpolation=cv2.INTER_LINEAR))


def crop(shown: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Returns a view of the part of an image that shows a person, with a margin.

    Args:
        shown: The image, uint8 (height, width, 3).
        box: Bounds of the person in it.
    """
    height, width, _ = shown.shape
    least = round(min(height, width) * _LEAST)
    box = box.grown(_MARGIN)
    rows = _span(box.top, box.bottom, least, height)
    columns = _span(box.left, box.right, least, width)
    return shown[rows, columns]


def _span(low: float, high: float, least: int, limit: int) -> slice:
    """Returns the range between two coordinates, at least `least` long, clipped to 0..`limit`."""
    low, high = (min(max(end, 0.0), float(limit)) for end in (low, high))
    length = min(limit, max(least, round(high - low), 1))
    start = min(max(round((low + high - length) / 2), 0), limit - length)
    return slice(start, start + length)
