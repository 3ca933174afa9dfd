"""Synthetic people to track."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from poseway_tracker.trackers.base import Detections

T = TypeVar("T")

Pose = NDArray[np.float64]
"""float64 (18, 3): x, y, score."""

Poses = NDArray[np.float64]
"""float64 (n, 18, 3)."""

# x and y of a standing person's keypoints, as shares of the height, from the middle of the head
# down.
_STANDING = np.array(
    [
        (0.00, 0.05),
        (0.00, 0.18),
        (-0.11, 0.19),
        (-0.15, 0.34),
        (-0.14, 0.48),
        (0.11, 0.19),
        (0.15, 0.34),
        (0.14, 0.48),
        (-0.08, 0.50),
        (-0.08, 0.74),
        (-0.08, 1.00),
        (0.08, 0.50),
        (0.08, 0.74),
        (0.08, 1.00),
        (-0.02, 0.03),
        (0.02, 0.03),
        (-0.05, 0.05),
        (0.05, 0.05),
    ]
)


def person(x: float, y: float = 100.0, height: float = 200.0) -> Pose:
    """Returns a person whose head is at x, y."""
    pose = np.ones((18, 3))
    pose[:, :2] = _STANDING * height + (x, y)
    return pose


def frame(*people: Pose) -> Poses:
    """Returns the people of a frame."""
    return np.array(people, np.float64).reshape(-1, 18, 3)


def found(people: Poses, *scores: float) -> Detections:
    """Returns the people of a frame as detections, certain ones unless scores are given."""
    return Detections.of_poses(people, np.array(scores or [0.5] * len(people), np.float64))


def cut(frames: Sequence[T], places: Iterable[int]) -> Iterator[Sequence[T]]:
    """Splits frames into segments, which may be empty."""
    for start, stop in pairwise([0, *sorted(min(p, len(frames)) for p in places), len(frames)]):
        yield frames[start:stop]


def street(frames: int, seed: int = 0) -> list[Poses]:
    """Three people who walk, with noise, at times hidden or without some keypoints.

    Some frames are empty.
    """
    random = np.random.default_rng(seed)
    walks = [(50.0, 6.0), (600.0, -5.0), (300.0, 1.0)]
    result = []
    for index in range(frames):
        people = []
        for number, (start, speed) in enumerate(walks):
            if index % 11 == 7 or (index // 5) % 4 == number:
                continue
            pose = person(start + speed * index)
            pose[:, :2] += random.normal(0.0, 2.0, (18, 2))
            pose[random.random(18) < 0.2] = 0.0
            people.append(pose)
        result.append(frame(*people))
    return result
