"""Two people of a short video: the tracks, and the files of a result that has them."""

from fractions import Fraction
from pathlib import Path

from poseway.formats import keypoints, tracks
from poseway.formats.tracks import Presence
from poseway.jobs import Smoothing
from poseway.v1 import pose_pb2

IDS = [{1}, {1}, {1, 2}, {2}, {1, 2}, set()]
SPANS = {1: [(0, 2), (4, 4)], 2: [(2, 4)]}
# At one frame per second.
RUNS = {t: [tracks.Run(a, b, float(a), b + 1.0) for a, b in its] for t, its in SPANS.items()}


def presence(seconds: int = 6) -> Presence:
    """What ``tracks.json`` contains for a video of this length."""
    return tracks.presence(RUNS, len(IDS), Fraction(len(IDS), seconds), Fraction(seconds))


def write_keypoints(folder: Path) -> None:
    """Writes the keypoints of the video, at one frame per second."""
    lines = [keypoints.header(64, 48, Fraction(1), Fraction(1), Smoothing.LIGHT)]
    for index, ids in enumerate(IDS):
        people = [
            pose_pb2.TrackedPose(track_id=track, pose=pose_pb2.Pose(keypoints=[1.0] * 54))
            for track in sorted(ids)
        ]
        frame = pose_pb2.TrackedFrame(frame_index=index, pts=index, people=people)
        frame.untracked.append(pose_pb2.Pose(keypoints=[1.0] * 54))
        lines.append(keypoints.line(frame, Fraction(1)))
    (folder / "keypoints.jsonl").write_bytes(b"".join(lines))
