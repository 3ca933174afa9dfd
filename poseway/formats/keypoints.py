"""`keypoints.jsonl`: the keypoints of a video as JSON Lines.

The first line describes the file (`header`); every other line is one frame (`line`), in order. The
files of consecutive segments are joined by appending their lines. Reading keeps one frame in
memory. `poseway.formats.exports` makes other files from it. The format is documented for users in
``docs/formats.md``.
"""

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from poseway.jobs import Smoothing
from poseway.skeleton import KEYPOINTS, LIMBS

if TYPE_CHECKING:
    # The command reads keypoints where protobuf is not installed.
    from poseway.v1 import pose_pb2

VERSION: Final = 1
CONTENT_TYPE: Final = "application/x-ndjson"


def header(
    width: int,
    height: int,
    time_base: Fraction,
    frame_rate: Fraction,
    smoothing: Smoothing,
    pixel_aspect: Fraction = Fraction(1),
) -> bytes:
    """Returns the first line of a file.

    Args:
        width: Width of an upright frame in pixels.
        height: Height of an upright frame in pixels.
        time_base: Seconds per tick of `pts`.
        frame_rate: Measured frames per second.
        smoothing: How strongly the keypoints were smoothed.
        pixel_aspect: Width divided by height of a pixel of an upright frame.
    """
    return _dump(
        {
            "format": "poseway-keypoints",
            "version": VERSION,
            "width": width,
            "height": height,
            "time_base": str(time_base),
            "frame_rate": str(frame_rate),
            "pixel_aspect": str(pixel_aspect),
            "smoothing": smoothing,
            "keypoints": KEYPOINTS,
            "limbs": LIMBS,
        }
    )


def line(frame: "pose_pb2.TrackedFrame", time_base: Fraction) -> bytes:
    """Returns the line of one frame: its index, its time, its people, and untracked detections.

    Args:
        frame: The frame, with `pts` set.
        time_base: Seconds per tick of `pts`.
    """
    record = {
        "frame": frame.frame_index,
        "pts": frame.pts,
        "time": round(float(frame.pts * time_base), 6),
        "people": [_person(person) for person in frame.people],
    }
    if frame.untracked:
        record["untracked"] = [_pose(pose) for pose in frame.untracked]
    return _dump(record)


def _person(person: "pose_pb2.TrackedPose") -> dict[str, Any]:
    record = {"id": person.track_id, **_pose(person.pose)}
    if person.HasField("smoothed"):
        record["smoothed"] = _rounded(person.smoothed.keypoints)
        record["filled"] = list(person.smoothed.filled)
    return record


def _pose(pose: "pose_pb2.Pose") -> dict[str, Any]:
    return {"score": round(pose.score, 3), "keypoints": _rounded(pose.keypoints)}


def _rounded(numbers: Iterable[float]) -> list[float]:
    """Rounds to 0.01 pixels and scores to 0.001, finer than any network resolves."""
    return [round(number, 3 if i % 3 == 2 else 2) for i, number in enumerate(numbers)]


def _dump(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def read(lines: Iterable[bytes]) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """Parses a file.

    Returns:
        The first line, parsed, and the frames in order. The lines of the frames are read as the
        frames are taken.
    """
    lines = iter(lines)
    return from_json(next(lines, b"{}")), read_frames(lines)


def read_frames(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Parses the lines of a file after the first."""
    return map(from_json, lines)


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Splits a stream of bytes into lines."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest
