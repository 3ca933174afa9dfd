"""Chooses the frame that shows each person best, for a still."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from poseway.skeleton import KEYPOINTS
from poseway.v1 import pose_pb2

Still = tuple[int, float]
"""Index of a frame and the quality of a person in it, at least 0."""

_EDGE: Final = 0.01
"""A person with a keypoint this close to an edge, as a share of that side, is cut off."""
_CUT_OFF: Final = 0.25
_GHOST_SECONDS: Final = 0.48
"""Half a second, less a tolerance for the rounding of frame times."""


def best(frames: Sequence[pose_pb2.TrackedFrame], width: int, height: int) -> dict[int, Still]:
    """Finds the best frame of each track: confident, complete, large, away from the edges.

    The quality is the sum of the scores of the visible keypoints, times the ratio of the diagonal
    of their bounding box to that of the frame. A box that touches an edge counts a quarter.

    Args:
        frames: Consecutive frames in order.
        width: Width of the upright frame in pixels.
        height: Height of the upright frame in pixels.

    Returns:
        For each track, the index of its best frame, the earliest of equals, and the quality.
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
        listed += pose.keypoints[
            :
        ]  # a slice is a list, which is faster to read than a repeated field
    table = np.array(listed, np.float32).reshape(len(poses), -1)
    # People are the last axis, so that operations over all of them are vectorised.
    numbers = np.ascontiguousarray(table.T).reshape(len(KEYPOINTS), 3, len(poses))
    places, scores = numbers[:, :2], numbers[:, 2]
    seen = scores[:, None] > 0
    low = np.where(seen, places, np.inf).min(axis=0)
    high = np.where(seen, places, -np.inf).max(axis=0)
    size = np.array([[width], [height]], np.float32)
    margin = _EDGE * size
    cut = ((low < margin) | (high > size - margin)).any(axis=0)
    # Without visible keypoints, the box extends from infinity to minus infinity.
    diagonal = np.hypot(*np.maximum(high - low, 0)) / np.hypot(width, height)
    quality = scores.sum(axis=0) * diagonal * np.where(cut, _CUT_OFF, 1)
    return [round(value, 6) for value in quality.tolist()]


def over_all(segments: Iterable[dict[int, Still]]) -> dict[int, tuple[int, Still]]:
    """Best still of each track over all segments, with the number of its segment."""
    found: dict[int, tuple[int, Still]] = {}
    for number, stills in enumerate(segments):
        for track, still in stills.items():
            if track not in found or still[1] > found[track][1][1]:
                found[track] = number, still
    return found


def lasting(seen: float, duration: float) -> bool:
    """Whether a track lasts: half a second, or half the duration of a shorter video.

    Args:
        seen: Time for which the track is visible in seconds.
        duration: Duration of the video in seconds.
    """
    return seen >= min(_GHOST_SECONDS, duration / 2)
