"""Fading trails: the paths of people in the last second."""

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import KEYPOINTS, track_colour
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.people import Person, PosedFrame

_SECONDS: Final = 1.0
# Longest gap in seconds across which a path is connected.
_GAP: Final = 0.2
# Speed limit in person sizes per second. Faster motion means that left and right were swapped.
_MAX_SPEED: Final = 8.0
# Number of opacity levels of a trail, and the highest opacity, 0..255.
_STEPS: Final = 10
_MAX_OPACITY: Final = 230
# Fractional bits of OpenCV's fixed-point coordinates.
_SHIFT: Final = 4
_FAR: Final = 1e5

_FOLLOWED: Final = [
    KEYPOINTS.index(name)
    for name in ("neck", "right_wrist", "left_wrist", "right_ankle", "left_ankle")
]


@dataclass(frozen=True, slots=True)
class _Sample:
    """Position of a person at one time.

    Attributes:
        seconds: Presentation time.
        points: Neck, wrists and ankles, float64 (5, 2) in pixels, NaN if unknown.
        size: Size of the person in pixels.
    """

    seconds: float
    points: NDArray[np.float64]
    size: float


class Trails:
    """Stores recent positions of people by presentation time, and draws them."""

    def __init__(self, width: float, space: ColourSpace, time_base: Fraction) -> None:
        """Prepares trails.

        Args:
            width: Maximum width of a trail in pixels.
            space: Colours of the canvases.
            time_base: Seconds per tick of presentation times.
        """
        self._width = width
        self._space = space
        self._time_base = float(time_base)
        self._now = 0.0
        self._samples: dict[int, deque[_Sample]] = {}

    def follow(self, frame: PosedFrame) -> None:
        """Stores the positions of the next frame, and drops those older than a second."""
        self._now = frame.pts * self._time_base
        for person in frame.people:
            samples = self._samples.setdefault(person.track_id, deque())
            samples.append(_sample(person, self._now))
        for track_id, samples in list(self._samples.items()):
            while samples and self._now - samples[0].seconds >= _SECONDS:
                samples.popleft()
            if not samples:
                del self._samples[track_id]

    def draw(self, canvas: Canvas) -> None:
        """Draws the trails up to the latest frame."""
        for track_id, samples in sorted(self._samples.items()):
            if len(samples) > 1:
                lines, ages = self._lines(list(samples))
                _lay(canvas, lines, ages, self._width, self._space.yuv(track_colour(track_id)))

    def _lines(self, samples: list[_Sample]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Returns the segments of a person's paths, float64 (n, 2, 2), and their ages, 0..1."""
        times = np.array([sample.seconds for sample in samples])
        points = np.stack([sample.points for sample in samples])
        gaps = np.diff(times)[:, None]
        sizes = np.array([sample.size for sample in samples[1:]])[:, None]
        parts = np.stack((points[:-1], points[1:]), axis=2)
        lengths = np.hypot(*np.moveaxis(np.diff(points, axis=0), 2, 0))
        # Comparisons with NaN are false, so unknown segments are left out.
        whole = (lengths <= _MAX_SPEED * gaps * sizes) & (gaps <= _GAP)
        ages = np.broadcast_to((self._now - times[1:, None]) / _SECONDS, whole.shape)
        return parts[whole], ages[whole]


def _sample(person: Person, seconds: float) -> _Sample:
    points = np.clip(person.keypoints[:, :2].astype(np.float64), -_FAR, _FAR)
    placed = points[person.placed]
    size = float(np.hypot(*np.ptp(placed, axis=0))) if len(placed) else 0.0
    points[~person.placed] = np.nan
    return _Sample(seconds, points[_FOLLOWED], size)


def _lay(
    canvas: Canvas,
    lines: NDArray[np.float64],
    ages: NDArray[np.float64],
    width: float,
    colour: tuple[int, int, int],
) -> None:
    """Draws lines onto a canvas, fainter and thinner with age."""
    rows, columns = canvas.luma.shape
    if not len(lines):
        return
    margin = width + 2
    low = np.clip(lines.min(axis=(0, 1)) - margin, 0, (columns, rows)).astype(int) // 2 * 2
    high = np.clip(lines.max(axis=(0, 1)) + margin, 0, (columns, rows)).astype(int) // 2 * 2
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    if right <= left or bottom <= top:
        return
    cover = np.zeros((bottom - top, right - left), np.uint8)
    fixed = np.rint((lines - low) * (1 << _SHIFT)).astype(np.int32)
    fresh = np.ceil((1 - ages) * _STEPS).astype(int)
    for step in range(1, _STEPS + 1):
        chosen = fixed[fresh == step]
        if len(chosen):
            strength = (_MAX_OPACITY * step / _STEPS,)
            thick = max(1, round(width * step / _STEPS))
            cv2.polylines(cover, list(chosen), False, strength, thick, cv2.LINE_AA, _SHIFT)
    size = (right - left) // 2, (bottom - top) // 2
    half = cv2.resize(cover, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    _blend(canvas.luma[top:bottom, left:right], cover, colour[0])
    for plane, value in zip(canvas.chroma, colour[1:], strict=True):
        _blend(plane[top // 2 : bottom // 2, left // 2 : right // 2], half, value)


def _blend(area: NDArray[np.uint8], cover: NDArray[np.uint8], value: int) -> None:
    """Blends a value into a part of a plane by coverage, 0..255."""
    kept = cv2.multiply(area, 255 - cover, scale=1 / 255)
    area[:] = kept + cv2.multiply(cover, np.full_like(cover, value), scale=1 / 255)
