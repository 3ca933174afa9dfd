"""The people of a frame: keypoints, boxes and head positions."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import KEYPOINTS

NECK: Final = KEYPOINTS.index("neck")
HEAD: Final = tuple(
    KEYPOINTS.index(name) for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
)
# Distance from the face to the crown, as a fraction of that from the face to the neck.
_CROWN: Final = 0.8


@dataclass(frozen=True, slots=True)
class Person:
    """A person in a frame.

    Attributes:
        track_id: Identity within the video.
        keypoints: float32 (18, 3): x and y in pixels, and the score, which is 0 for an unseen
            keypoint.
        filled: Which unseen keypoints have an interpolated position, bool (18,).
        raw: Keypoints before smoothing, float32 (18, 3), if they differ. They are not drawn, but a
            head to be hidden may be there.
        score: Confidence of the person, 0..1; None if unknown.
    """

    track_id: int
    keypoints: NDArray[np.float32]
    filled: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(len(KEYPOINTS), np.bool_))
    raw: NDArray[np.float32] | None = None
    score: float | None = None

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which keypoints were seen, bool (18,)."""
        return self.keypoints[:, 2] > 0

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Which keypoints have a position, bool (18,)."""
        return self.seen | self.filled

    @property
    def crown(self) -> tuple[float, float]:
        """Top of the head, else the topmost keypoint, x and y. Some keypoint needs a position."""
        keypoints, placed = self.keypoints, self.placed
        head = [index for index in HEAD if placed[index]]
        if not head:
            x, y, _ = min(keypoints[placed], key=lambda keypoint: float(keypoint[1]))
            return float(x), float(y)
        x, y = keypoints[head, 0].mean(), keypoints[head, 1].min()
        rise = 0.0
        if placed[NECK]:
            rise = _CROWN * float(np.hypot(*(keypoints[NECK, :2] - (x, y))))
        return float(x), float(y) - rise

    @property
    def box(self) -> "Box":
        """Bounding box of the head and of the keypoints with a position, at least one."""
        points = np.vstack((self.keypoints[self.placed, :2], self.crown))
        left, top = points.min(axis=0).tolist()
        right, bottom = points.max(axis=0).tolist()
        return Box(left, top, right, bottom)

    def scaled(self, x: float, y: float) -> "Person":
        """Returns the person in a frame that is `x` times as wide and `y` times as high."""
        raw = None if self.raw is None else scaled(self.raw, x, y)
        return replace(self, keypoints=scaled(self.keypoints, x, y), raw=raw)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, part: float) -> "Box":
        """Returns the box with a margin, given as a fraction of its longer side."""
        margin = part * max(self.right - self.left, self.bottom - self.top)
        return Box(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)


@dataclass(frozen=True, slots=True)
class PosedFrame:
    """The people of a frame.

    Attributes:
        index: Number of the frame in the video, from 0.
        pts: Presentation time in ticks of the video's time base.
        people: People in drawing order.
        untracked: Keypoints of people who are not drawn, each float32 (18, 3).
    """

    index: int
    pts: int
    people: list[Person]
    untracked: list[NDArray[np.float32]] = field(default_factory=list)

    def scaled(self, x: float, y: float) -> "PosedFrame":
        """Returns the people in a frame that is `x` times as wide and `y` times as high."""
        people = [person.scaled(x, y) for person in self.people]
        return replace(
            self, people=people, untracked=[scaled(pose, x, y) for pose in self.untracked]
        )


def scaled(keypoints: NDArray[np.float32], x: float, y: float) -> NDArray[np.float32]:
    """Scales keypoints, float32 (18, 3), to a frame `x` times as wide and `y` times as high.

    Pixel centres are at whole numbers, so corners, not centres, stay in place.
    """
    result = keypoints.copy()
    result[:, :2] = (keypoints[:, :2] + 0.5) * (x, y) - 0.5
    return result
