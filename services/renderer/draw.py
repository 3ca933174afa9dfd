"""Drawing people on a canvas, straight onto its planes: turning them to RGB and back costs more."""

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import COLOURS, KEYPOINTS, LIMBS
from services.renderer.canvas import Canvas
from services.renderer.colour import ColourSpace
from services.renderer.label import Labels

# Fractional bits of the coordinates that OpenCV takes.
_SHIFT: Final = 4
# Far outside of any picture, yet far from where OpenCV's integers end.
_FAR: Final = 1e5
_DARK: Final = (20, 20, 20)
# Widths of a limb, in pixels, parts of a person's size, and parts of the picture's size.
_THINNEST: Final = 2.0
_OF_PERSON: Final = 0.025
_OF_PICTURE: Final = 1 / 220
# Parts of a limb's width: a joint's radius, and the dark edge around both.
_JOINT: Final = 0.8
_EDGE: Final = 0.3
# Part of its width that a limb keeps where an end of it was filled.
_GUESSED: Final = 0.4

_NECK: Final = KEYPOINTS.index("neck")
_HEAD: Final = tuple(
    KEYPOINTS.index(name) for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
)
_STARTS: Final = np.array([start for start, _ in LIMBS])
_ENDS: Final = np.array([end for _, end in LIMBS])
# A face is small: what is drawn in it has half the width.
_LIMB_SCALE: Final = np.where(np.isin(_STARTS, _HEAD), 0.5, 1.0)
_JOINT_SCALE: Final = np.where(np.isin(np.arange(len(KEYPOINTS)), _HEAD), 0.6, 1.0)


@dataclass(frozen=True, slots=True)
class Person:
    """A person in a frame.

    Attributes:
        track_id: Identity within the video.
        keypoints: float32 (18, 3): x and y in pixels, and the score, which is 0 for a keypoint that
            was not seen.
        filled: bool (18,): which of those that were not seen have a place all the same.
    """

    track_id: int
    keypoints: NDArray[np.float32]
    filled: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(len(KEYPOINTS), np.bool_))

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which keypoints were seen, bool (18,)."""
        return self.keypoints[:, 2] > 0

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Which keypoints have a place, bool (18,)."""
        return self.seen | self.filled


class Painter:
    """Draws people on canvases of one size."""

    def __init__(self, width: int, height: int, space: ColourSpace) -> None:
        """Chooses widths and colours.

        Args:
            width: Pixels of the upright video.
            height: Pixels of the upright video.
            space: Colours of the canvases.
        """
        size = float(np.sqrt(width * height))
        self._colours = np.array([space.yuv(colour) for colour in COLOURS])
        self._dark = space.yuv(_DARK)[0]
        self._widest = max(_THINNEST, _OF_PICTURE * size)
        self._labels = Labels(max(12, round(size / 50)), space)

    def paint(self, canvas: Canvas, people: list[Person]) -> None:
        """Draws people: first all skeletons, then the number of each track near its head."""
        people = [person for person in people if person.placed.any()]
        for person in people:
            self._skeleton(canvas, person)
        for person in people:
            x, y = _crown(person, self._widest)
            self._labels.put(canvas, person.track_id, x, y)

    def _skeleton(self, canvas: Canvas, person: Person) -> None:
        points = np.clip(person.keypoints[:, :2].astype(np.float64), -_FAR, _FAR)
        extent = float(np.hypot(*np.ptp(points[person.placed], axis=0)))
        width = min(self._widest, max(_THINNEST, _OF_PERSON * extent))
        skeleton = _Skeleton(points, person.seen, person.placed, width)
        # A dark edge, which needs no chroma, sets the colours off from a background like them.
        dark = np.full(len(KEYPOINTS), self._dark)
        luma, *chroma = self._colours.T
        skeleton.draw([(canvas.luma, dark)], edge=max(1.0, _EDGE * width))
        skeleton.draw([(canvas.luma, luma)])
        skeleton.halved().draw(list(zip(canvas.chroma, chroma, strict=True)))


@dataclass(frozen=True, slots=True)
class _Skeleton:
    """What is drawn of one person on one plane.

    Attributes:
        points: float64 (18, 2), x and y in samples of the plane.
        seen: bool (18,), which of the points were seen: they are joints.
        placed: bool (18,), which of the points there are: limbs run between them.
        width: Width of a limb in samples of the plane.
    """

    points: NDArray[np.float64]
    seen: NDArray[np.bool_]
    placed: NDArray[np.bool_]
    width: float

    def halved(self) -> "_Skeleton":
        """The same for a chroma plane, whose samples lie between two rows, on the left column."""
        points = (self.points - (0, 0.5)) / 2
        return _Skeleton(points, self.seen, self.placed, self.width / 2)

    def draw(
        self, layers: list[tuple[NDArray[np.uint8], NDArray[np.int_]]], edge: float = 0
    ) -> None:
        """Draws limbs, thin ones where an end was not seen, then joints.

        Args:
            layers: Planes of one size, uint8 (height, width), each with the values of the 18 joints
                on it, int (18,); a limb has the value of its second joint.
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
    """Numbers in the fixed-point format that OpenCV takes."""
    return np.rint(numbers * (1 << _SHIFT)).astype(np.int32)


def _crown(person: Person, gap: float) -> tuple[float, float]:
    """The point above a person, of whom something has a place, where the label stands."""
    keypoints, placed = person.keypoints, person.placed
    head = [index for index in _HEAD if placed[index]]
    if not head:
        x, y, _ = min(keypoints[placed], key=lambda keypoint: float(keypoint[1]))
        return float(x), float(y) - 2 * gap
    x, y = keypoints[head, 0].mean(), keypoints[head, 1].min()
    if placed[_NECK]:
        # The top of a head is about as far above its face as the neck is below.
        gap += 0.8 * float(np.hypot(*(keypoints[_NECK, :2] - (x, y))))
    return float(x), float(y) - gap
