"""Draws people directly onto the planes of a canvas, which is cheaper than converting to RGB."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import COLOURS, KEYPOINTS, LIMBS, track_colour
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.labels import LabelPainter
from poseway_renderer.drawing.people import HEAD, Box, Person
from poseway_renderer.drawing.style import Style

# Fractional bits of OpenCV's fixed-point coordinates.
_SHIFT: Final = 4
# Far outside any frame, and far from the limits of OpenCV's integers.
_FAR: Final = 1e5
_DARK: Final = (20, 20, 20)
# Width of a limb: minimum in pixels, as a fraction of the person's size, and as a fraction of the
# square root of the frame's area.
_MIN_WIDTH: Final = 2.0
_OF_PERSON: Final = 0.025
_OF_PICTURE: Final = 1 / 220
# Fractions of a limb's width: radius of a joint, and dark edge around both.
_JOINT: Final = 0.8
_EDGE: Final = 0.3
# Fraction of its width that a limb keeps if one of its ends was filled.
_GUESSED: Final = 0.4

# Margin between a person and its box, as a fraction of the person's size.
_MARGIN: Final = 0.04

_STARTS: Final = np.array([start for start, _ in LIMBS])
_ENDS: Final = np.array([end for _, end in LIMBS])
# Faces are small, so their limbs and joints are thinner.
_LIMB_SCALE: Final = np.where(np.isin(_STARTS, HEAD), 0.5, 1.0)
_JOINT_SCALE: Final = np.where(np.isin(np.arange(len(KEYPOINTS)), HEAD), 0.6, 1.0)


_PLAIN: Final = Style()


class SkeletonPainter:
    """Draws people on canvases of one size."""

    def __init__(self, width: int, height: int, space: ColourSpace, style: Style = _PLAIN) -> None:
        """Computes widths and colours.

        Args:
            width: Pixels of the canvases.
            height: Pixels of the canvases.
            space: Colours of the canvases.
            style: What is drawn.
        """
        size = float(np.sqrt(width * height))
        self._space = space
        self._style = style
        self._colours = np.array([space.yuv(colour) for colour in COLOURS])
        self._dark = space.yuv(_DARK)[0]
        self._widest = style.line_width or max(_MIN_WIDTH, _OF_PICTURE * size)
        self._thin = 2 * max(1, round(_OF_PICTURE * size / 4))
        self._labels = LabelPainter(max(12, round(size / 50)), space)

    def paint(self, canvas: Canvas, people: list[Person]) -> None:
        """Draws boxes, then all skeletons, then a label near the head of each person."""
        people = [person for person in people if person.placed.any()]
        if self._style.boxes:
            for person in people:
                self._frame(canvas, person.box.grown(_MARGIN), track_colour(person.track_id))
        for person in people:
            self._skeleton(canvas, person)
        for person in people:
            self._label(canvas, person)

    def _label(self, canvas: Canvas, person: Person) -> None:
        words = [str(person.track_id)] if self._style.ids else []
        if self._style.scores and person.score is not None:
            words.append(f"{100 * min(1.0, max(0.0, person.score)):.0f} %")
        if not words:
            return
        x, y = person.crown
        any_head = person.placed[list(HEAD)].any()
        gap = self._widest if any_head else 2 * self._widest
        self._labels.put(canvas, person.track_id, " · ".join(words), x, y - gap)

    def _frame(self, canvas: Canvas, box: Box, colour: tuple[int, int, int]) -> None:
        """Draws a box with even coordinates, so that luma and chroma edges coincide."""
        luma, *chroma = self._space.yuv(colour)
        rows, columns = canvas.luma.shape
        left, right = (_even(x, columns) for x in (box.left, box.right))
        top, bottom = (_even(y, rows) for y in (box.top, box.bottom))
        _outline(canvas.luma, (left, top, right, bottom), self._thin, luma)
        half = left // 2, top // 2, right // 2, bottom // 2
        for plane, value in zip(canvas.chroma, chroma, strict=True):
            _outline(plane, half, self._thin // 2, value)

    def _skeleton(self, canvas: Canvas, person: Person) -> None:
        points = np.clip(person.keypoints[:, :2].astype(np.float64), -_FAR, _FAR)
        width = self._style.line_width or self._fitting(points[person.placed])
        skeleton = _Skeleton(points, person.seen, person.placed, width)
        # A dark edge, which needs no chroma, separates the colours from similar backgrounds.
        dark = np.full(len(KEYPOINTS), self._dark)
        luma, *chroma = self._colours.T
        skeleton.draw([(canvas.luma, dark)], edge=max(1.0, _EDGE * width))
        skeleton.draw([(canvas.luma, luma)])
        skeleton.halved().draw(list(zip(canvas.chroma, chroma, strict=True)))

    def _fitting(self, points: NDArray[np.float64]) -> float:
        """Returns the limb width for keypoints, float64 (n, 2)."""
        extent = float(np.hypot(*np.ptp(points, axis=0)))
        return min(self._widest, max(_MIN_WIDTH, _OF_PERSON * extent))


@dataclass(frozen=True, slots=True)
class _Skeleton:
    """The skeleton of one person in samples of one plane.

    Attributes:
        points: Positions, float64 (18, 2), x and y.
        seen: Which keypoints were seen and become joints, bool (18,).
        placed: Which keypoints have a position, between which limbs run, bool (18,).
        width: Width of a limb.
    """

    points: NDArray[np.float64]
    seen: NDArray[np.bool_]
    placed: NDArray[np.bool_]
    width: float

    def halved(self) -> "_Skeleton":
        """Returns the skeleton for a chroma plane, with samples sited left, between two rows."""
        points = (self.points - (0, 0.5)) / 2
        return _Skeleton(points, self.seen, self.placed, self.width / 2)

    def draw(
        self, layers: list[tuple[NDArray[np.uint8], NDArray[np.int_]]], edge: float = 0
    ) -> None:
        """Draws limbs, thin ones where an end was not seen, then joints.

        Args:
            layers: Planes of one size, uint8 (height, width), each with the sample value of the 18
                joints, int (18,). A limb has the value of its second joint.
            edge: Samples by which everything is wider on each side.
        """
        start, end = self.points[_STARTS], self.points[_ENDS]
        along = end - start
        length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)
        thin = np.where(self.seen[_STARTS] & self.seen[_ENDS], 1.0, _GUESSED)
        reach = (self.width / 2 * _LIMB_SCALE + edge) * thin / length
        across = np.stack((-along[:, 1], along[:, 0]), axis=1) * reach[:, None]
        corners = (start + across, end + across, end - across, start - across)
        limbs = _fixed(np.stack(corners, axis=1))
        radii = _fixed(self.width * _JOINT * _JOINT_SCALE + edge).tolist()
        joints = _fixed(self.points).tolist()
        whole = np.flatnonzero(self.placed[_STARTS] & self.placed[_ENDS]).tolist()
        seen = np.flatnonzero(self.seen).tolist()
        for plane, colours in layers:
            values = colours.tolist()
            for limb in whole:
                value = (values[_ENDS[limb]],)
                cv2.fillConvexPoly(plane, limbs[limb], value, cv2.LINE_AA, _SHIFT)
            for joint in seen:
                at, radius, value = joints[joint], radii[joint], (values[joint],)
                cv2.circle(plane, at, radius, value, cv2.FILLED, cv2.LINE_AA, _SHIFT)


def _fixed(numbers: NDArray[np.float64]) -> NDArray[np.int32]:
    """Converts coordinates to OpenCV's fixed-point format."""
    return np.rint(numbers * (1 << _SHIFT)).astype(np.int32)


def _even(number: float, limit: int) -> int:
    """Rounds to an even number from 0 to an even limit."""
    return 2 * round(min(max(number, 0), limit) / 2)


def _outline(
    plane: NDArray[np.uint8], box: tuple[int, int, int, int], width: int, value: int
) -> None:
    """Draws the inner edge of a box, ``left, top, right, bottom``, that lies within the plane."""
    left, top, right, bottom = box
    inside = plane[top:bottom, left:right]
    inside[:width] = inside[-width:] = value
    inside[:, :width] = inside[:, -width:] = value
