"""The people of a frame, and where in it they are."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import KEYPOINTS

NECK: Final = KEYPOINTS.index("neck")
HEAD: Final = tuple(
    KEYPOINTS.index(name) for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
)
# The top of a head is this many times as far above its face as the neck is below.
_CROWN: Final = 0.8


@dataclass(frozen=True, slots=True)
class Person:
    """A person in a frame.

    Attributes:
        track_id: Identity within the video.
        keypoints: float32 (18, 3): x and y in pixels, and the score, which is 0 for a keypoint that
            was not seen.
        filled: bool (18,): which of those that were not seen have a place all the same.
        raw: The keypoints as this frame alone shows them, float32 (18, 3), where that is known
            besides; not drawn, but what must be hidden may be there.
        score: How certain the person is, 0..1; None where nobody knows.
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
        """Which keypoints have a place, bool (18,)."""
        return self.seen | self.filled

    @property
    def crown(self) -> tuple[float, float]:
        """The top of the head, or the topmost keypoint: x and y. Something must have a place."""
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
        """What holds the keypoints that have a place, of which there is one, and the head."""
        points = np.vstack((self.keypoints[self.placed, :2], self.crown))
        left, top = points.min(axis=0).tolist()
        right, bottom = points.max(axis=0).tolist()
        return Box(left, top, right, bottom)

    def scaled(self, x: float, y: float) -> "Person":
        """The same in a picture whose width and height are that many times as large."""
        raw = None if self.raw is None else scaled(self.raw, x, y)
        return replace(self, keypoints=scaled(self.keypoints, x, y), raw=raw)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, part: float) -> "Box":
        """The box with a margin of this part of its longer side."""
        margin = part * max(self.right - self.left, self.bottom - self.top)
        return Box(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)


@dataclass(frozen=True, slots=True)
class PosedFrame:
    """The people of a frame.

    Attributes:
        index: Number in the video, from 0.
        pts: Presentation time in ticks of the video's time base.
        people: The people, in the order in which they are drawn.
        untracked: Keypoints of those who are not drawn, each float32 (18, 3).
    """

    index: int
    pts: int
    people: list[Person]
    untracked: list[NDArray[np.float32]] = field(default_factory=list)

    def scaled(self, x: float, y: float) -> "PosedFrame":
        """The same in a picture whose width and height are that many times as large."""
        people = [person.scaled(x, y) for person in self.people]
        return replace(
            self, people=people, untracked=[scaled(pose, x, y) for pose in self.untracked]
        )


def scaled(keypoints: NDArray[np.float32], x: float, y: float) -> NDArray[np.float32]:
    """Keypoints, float32 (18, 3), in a picture that many times as wide and as high.

    The centre of the top left pixel is (0, 0), so it is the corners that stay where they are.
    """
    result = keypoints.copy()
    result[:, :2] = (keypoints[:, :2] + 0.5) * (x, y) - 0.5
    return result
