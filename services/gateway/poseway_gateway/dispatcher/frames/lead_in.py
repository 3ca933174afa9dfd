"""The lead-in of a segment: the second before it, which trails and blurred heads depend on.

It is parsed from the previous segment's lines of keypoints.jsonl, even if that segment was only
just tracked. A resumed job has nothing else, and must render the same frames.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from poseway.formats import keypoints
from poseway.jobs import JobOptions, Overlay
from poseway.v1 import pose_pb2

SECONDS: Final = 1


def wanted(options: JobOptions) -> bool:
    """Whether drawing a frame depends on earlier frames."""
    return options.trails or options.overlay is Overlay.FACES_BLURRED


def lead(lines: Sequence[bytes], time_base: Fraction) -> list[pose_pb2.TrackedFrame]:
    """Returns the frames of the last second.

    Args:
        lines: Lines of keypoints.jsonl of consecutive frames.
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
