"""The moment at which each person is seen best, for a picture of them."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from poseway.skeleton import KEYPOINTS
from poseway.v1 import pose_pb2

Still = tuple[int, float]
"""Index of a frame, and how well somebody is seen in it, from 0 on."""

_EDGE: Final = 0.01
"""A keypoint this near to the edge, in parts of the picture's side, has others beyond it."""
_CUT_OFF: Final = 0.25
_GHOST_SECONDS: Final = 0.48
"""Half a second, less what the times of frames may wander."""


def best(frames: Sequence[pose_pb2.TrackedFrame], width: int, height: int) -> dict[int, Still]:
    """Finds the frame in which each track is seen best: sure, whole, large, away from the edge.

    The quality is the sum of the scores of the keypoints seen in the frame, times the diagonal of
    the box around them over that of the picture; a quarter of it where the box touches the edge.

    Args:
        frames: Consecutive frames, in order.
        width: Pixels of a frame, upright.
        height: Pixels of a frame, upright.

    Returns:
        For each track that is seen the index of the frame, the earliest of equals, and the quality.
    """
    seen = [(person.track_id, frame.frame_index) for frame in frames for person in frame.people]
    if not seen:
        return {}
    found: dict[int, Still] = {}
    qualities = _qualities([p.pose for f in frames for p in f.people], width, height)
    for (track, index), quality in zip(seen, qualities, strict=True):
        if quality > (found[track][1] if track in found else 0):
            found[track] = index, quality
    return found


def _qualities(poses: Sequence[pose_pb2.Pose], width: int, height: int) -> list[float]:
    listed: list[float] = []
    for pose in poses:
        listed += pose.keypoints[:]  # a slice is a list, which is faster to read than a field
    table = np.array(listed, np.float32).reshape(len(poses), -1)
    # People last: what is done to all of them at once is fast.
    numbers = np.ascontiguousarray(table.T).reshape(len(KEYPOINTS), 3, len(poses))
    places, scores = numbers[:, :2], numbers[:, 2]
    seen = scores[:, None] > 0
    low = np.where(seen, places, np.inf).min(axis=0)
    high = np.where(seen, places, -np.inf).max(axis=0)
    size = np.array([[width], [height]], np.float32)
    margin = _EDGE * size
    cut = ((low < margin) | (high > size - margin)).any(axis=0)
    # Where nothing is seen, the box is from infinity to minus infinity.
    diagonal = np.hypot(*np.maximum(high - low, 0)) / np.hypot(width, height)
    quality = scores.sum(axis=0) * diagonal * np.where(cut, _CUT_OFF, 1)
    return [round(value, 6) for value in quality.tolist()]


def over_all(segments: Iterable[dict[int, Still]]) -> dict[int, tuple[int, Still]]:
    """The best of each track over consecutive segments: the segment's number, and what it has."""
    found: dict[int, tuple[int, Still]] = {}
    for number, stills in enumerate(segments):
        for track, still in stills.items():
            if track not in found or still[1] > found[track][1][1]:
                found[track] = number, still
    return found


def lasting(seen: float, duration: float) -> bool:
    """Whether a track is no ghost: seen for half a second, or for half of a shorter video.

    Args:
        seen: Seconds for which it is seen.
        duration: Length of the video in seconds.
    """
    return seen >= min(_GHOST_SECONDS, duration / 2)
