"""The second before a segment: what trails and heads in its first frames are drawn from.

It is read back from the lines that were written of the segment before, also where that has just
been tracked: a job that is resumed has nothing else, and must give the same pictures.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from poseway.formats import keypoints
from poseway.jobs import JobOptions, Overlay
from poseway.v1 import pose_pb2

SECONDS: Final = 1


def wanted(options: JobOptions) -> bool:
    """Whether what is drawn in a frame depends on the frames before it."""
    return options.trails or options.overlay is Overlay.FACES_BLURRED


def lead(lines: Sequence[bytes], time_base: Fraction) -> list[pose_pb2.TrackedFrame]:
    """The frames of the last second.

    Args:
        lines: Lines of consecutive frames, as they are written.
        time_base: Seconds per tick.
    """
    frames: list[pose_pb2.TrackedFrame] = []
    for record in keypoints.read_frames(reversed(lines)):
        if frames and frames[0].pts - record["pts"] >= SECONDS / time_base:
            break
        frames.append(_frame(record))
    return frames[::-1]


def _frame(record: dict[str, Any]) -> pose_pb2.TrackedFrame:
    return pose_pb2.TrackedFrame(
        frame_index=record["frame"],
        pts=record["pts"],
        people=[_person(person) for person in record["people"]],
        untracked=[_pose(pose) for pose in record.get("untracked", ())],
    )


def _person(record: dict[str, Any]) -> pose_pb2.TrackedPose:
    smoothed = None
    if "smoothed" in record:
        smoothed = pose_pb2.SmoothedPose(keypoints=record["smoothed"], filled=record["filled"])
    return pose_pb2.TrackedPose(track_id=record["id"], pose=_pose(record), smoothed=smoothed)


def _pose(record: dict[str, Any]) -> pose_pb2.Pose:
    return pose_pb2.Pose(keypoints=record["keypoints"], score=record["score"])
