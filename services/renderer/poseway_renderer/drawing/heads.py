"""Finds the heads to be blurred."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseway.skeleton import KEYPOINTS
from poseway_renderer.drawing.people import HEAD, NECK, Person, PosedFrame

# Height of a head divided by the distance of two keypoints, for an adult seen at right angles.
# Other angles make a distance shorter, never longer, so the largest estimate is right.
_MEASURES: Final = (
    ("right_eye", "left_eye", 3.4),
    ("right_ear", "left_ear", 1.5),
    ("nose", "right_ear", 1.8),
    ("nose", "left_ear", 1.8),
    ("nose", "neck", 1.0),
    ("right_ear", "neck", 1.0),
    ("left_ear", "neck", 1.0),
    ("right_shoulder", "left_shoulder", 0.65),
    ("right_shoulder", "neck", 1.3),
    ("left_shoulder", "neck", 1.3),
    ("neck", "right_hip", 0.42),
    ("neck", "left_hip", 0.42),
    ("right_shoulder", "right_elbow", 0.75),
    ("left_shoulder", "left_elbow", 0.75),
)
_FROM: Final = [KEYPOINTS.index(start) for start, _, _ in _MEASURES]
_TO: Final = [KEYPOINTS.index(end) for _, end, _ in _MEASURES]
_FACTORS: Final = np.array([factor for _, _, factor in _MEASURES])
# A misplaced keypoint must not make a head larger than this multiple of the median estimate.
_MAX_RATIO: Final = 2.0
# Height of a head that cannot be estimated, as a fraction of the square root of the frame's area.
_UNKNOWN: Final = 1 / 12

_SHOULDERS: Final = [KEYPOINTS.index(name) for name in ("right_shoulder", "left_shoulder")]
_HIPS: Final = [KEYPOINTS.index(name) for name in ("right_hip", "left_hip")]
# In head heights: half axes of the ellipse around a visible face, and margin around each of its
# keypoints.
_ALONG: Final = 0.72
_ACROSS: Final = 0.62
_BEYOND: Final = 0.3
# With fewer head keypoints than these, such as one ear seen from behind, the body is the better
# guide. In head heights: half axes of such a head, and distance of its centre from the neck.
_ENOUGH: Final = 3
_GUESSED_ALONG: Final = 1.0
_GUESSED_ACROSS: Final = 0.8
_ABOVE_NECK: Final = 0.95
# Seconds for which a head stays covered after it was last found, and its growth in that time.
_HOLD_SECONDS: Final = 0.3
_GROWTH: Final = 0.5
_FAR: Final = 1e5
_UP: Final = np.array((0.0, -1.0))

_Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Head:
    """An ellipse that covers a head, in pixels.

    Attributes:
        x: Centre.
        y: Centre.
        along: Half axis from the centre to the top of the head.
        across: Half axis to the side of the head.
        angle: Degrees from the x axis to the axis `along`, towards the y axis.
        seen: Whether it derives from keypoints of the head, not only of the body.
    """

    x: float
    y: float
    along: float
    across: float
    angle: float
    seen: bool

    def halved(self) -> "Head":
        """Returns the head for a chroma plane, slightly larger because chroma samples are."""
        return replace(
            self,
            x=self.x / 2,
            y=(self.y - 0.5) / 2,
            along=self.along / 2 + 1,
            across=self.across / 2 + 1,
        )

    def grown(self, factor: float) -> "Head":
        """Returns the head with both axes scaled."""
        return replace(self, along=self.along * factor, across=self.across * factor)

    def covers(self, other: "Head") -> bool:
        """Whether the centre of another head lies in this one."""
        return float(np.hypot(other.x - self.x, other.y - self.y)) < self.across


@dataclass(frozen=True, slots=True)
class _Found:
    """A head when it was last found, with its track id, or None for an untracked person."""

    track_id: int | None
    seconds: float
    head: Head


class HeadFinder:
    """Finds the heads of consecutive frames, and keeps lost ones covered for a while.

    Limits: heads are derived from body keypoints. The network misses people who are very small or
    in deep shadow, and faces on posters. A person without a visible head, neck or shoulder gets no
    ellipse. Someone who enters the frame is covered once the network detects them, not earlier. A
    lost head stays covered where it was for 0.3 s, so a fast one may leave its cover. Clothes, gait
    and voice identify people as well.
    """

    def __init__(self, width: int, height: int, time_base: Fraction) -> None:
        """Takes the frame size in pixels and the seconds per tick of presentation times."""
        self._unknown = _UNKNOWN * float(np.sqrt(width * height))
        self._time_base = float(time_base)
        self._last: list[_Found] = []

    def find(self, frame: PosedFrame) -> list[Head]:
        """Returns the heads of the next frame, and recent ones that are now missing."""
        now = frame.pts * self._time_base
        found = [
            _Found(track_id, now, head)
            for track_id, points in _figures(frame)
            for head in _heads(points, self._unknown)
        ]
        held = [last for last in self._last if now - last.seconds <= _HOLD_SECONDS]
        held = [last for last in held if not any(_is_found(last, other) for other in found)]
        self._last = held + found
        growth = _GROWTH / _HOLD_SECONDS
        return [one.head for one in found] + [
            one.head.grown(1 + growth * (now - one.seconds)) for one in held
        ]


def _is_found(last: _Found, found: _Found) -> bool:
    """Whether a recent head is found again: by its own keypoints, if it was before."""
    if last.head.seen and not found.head.seen:
        return False
    if last.track_id is not None:
        return last.track_id == found.track_id
    return last.head.covers(found.head)


def _figures(frame: PosedFrame) -> Iterator[tuple[int | None, _Points]]:
    """Yields track id and positions, float64 (18, 2) with NaN if unknown, of all possible heads."""
    for person in frame.people:
        for points in _places(person):
            yield person.track_id, points
    for pose in frame.untracked:
        yield None, _placed(pose, pose[:, 2] > 0)


def _places(person: Person) -> list[_Points]:
    """Returns drawn positions with gaps filled from raw ones, and the reverse."""
    drawn = _placed(person.keypoints, person.placed)
    if person.raw is None:
        return [drawn]
    raw = _placed(person.raw, person.raw[:, 2] > 0)
    return [np.where(np.isnan(drawn), raw, drawn), np.where(np.isnan(raw), drawn, raw)]


def _placed(keypoints: NDArray[np.float32], placed: NDArray[np.bool_]) -> _Points:
    points = np.clip(keypoints[:, :2].astype(np.float64), -_FAR, _FAR)
    points[~placed] = np.nan
    return points


def _heads(points: _Points, unknown: float) -> list[Head]:
    """Returns the head of a pose, or several if its keypoints cannot belong to one head.

    Args:
        points: Positions of the keypoints, float64 (18, 2), NaN if unknown.
        unknown: Height in pixels of a head that cannot be estimated.
    """
    size = _size(points) or unknown
    neck = _mean(points[[NECK]], points[_SHOULDERS])
    face = points[list(HEAD)]
    face = face[~np.isnan(face[:, 0])]
    heads = []
    if neck is not None and len(face) < _ENOUGH:
        heads.append(_above(neck, _mean(points[_HIPS]), size))
    while len(face):
        near = np.hypot(*(face - face[0]).T) <= size
        heads.append(_around(face[near], neck, size))
        face = face[~near]
    return heads


def _around(face: _Points, neck: _Points | None, size: float) -> Head:
    """Returns the head around some of its keypoints, float64 (n, 2)."""
    middle = face.mean(axis=0)
    reach = float(np.hypot(*(face - middle).T).max()) + _BEYOND * size
    up = middle - neck if neck is not None else _UP
    return _ellipse(middle, up, max(_ALONG * size, reach), max(_ACROSS * size, reach), True)


def _above(neck: _Points, hips: _Points | None, size: float) -> Head:
    """Returns a head whose position is derived from the body."""
    up = neck - hips if hips is not None else _UP
    middle = neck + up / max(1e-6, float(np.hypot(*up))) * (_ABOVE_NECK * size)
    return _ellipse(middle, up, _GUESSED_ALONG * size, _GUESSED_ACROSS * size, False)


def _size(points: _Points) -> float:
    """Estimates the height of a head in pixels; returns 0 if that is impossible."""
    across = points[_FROM] - points[_TO]
    sizes = np.hypot(across[:, 0], across[:, 1]) * _FACTORS
    sizes = sizes[~np.isnan(sizes)]
    if not sizes.size:
        return 0.0
    return float(min(sizes.max(), _MAX_RATIO * np.median(sizes)))


def _mean(*choices: _Points) -> _Points | None:
    """Returns the mean of the first set of points with a known position."""
    for points in choices:
        known = points[~np.isnan(points[:, 0])]
        if len(known):
            mean: _Points = known.mean(axis=0)
            return mean
    return None


def _ellipse(middle: _Points, up: _Points, along: float, across: float, seen: bool) -> Head:
    angle = float(np.degrees(np.arctan2(up[1], up[0])))
    return Head(float(middle[0]), float(middle[1]), along, across, angle, seen)
