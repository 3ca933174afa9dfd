"""Publishing results in the storage of the running system."""

import json
from fractions import Fraction

import pytest

from poseway.formats import keypoints
from poseway.jobs import JobOptions, JobRequest, Keys, Smoothing, new_job_id, now
from poseway.local.stack import Stack
from poseway.media.reader import VideoInfo
from poseway.v1 import inference_pb2, pose_pb2, renderer_pb2
from poseway_gateway.dispatcher.checkpoint import Checkpoint
from poseway_gateway.dispatcher.publish import publish

VIDEO = VideoInfo("h264", 64, 48, Fraction(1, 30), Fraction(30), Fraction(1), 6, Fraction(1, 5))
SEEN = [[{1}, {1, 2}, {1}], [{1, 3}, {3}, {1, 3}]]
# The first was written before checkpoints had spans, stills and sizes.
CHECKPOINTS = (
    '{"segment": 0, "frames": 3, "end": 3, "following": [3, 3], "tracker": "", "people": 2,'
    ' "tracks": [1, 2], "screenshots": {}, "seconds": {}}',
    '{"segment": 1, "frames": 3, "end": 6, "following": null, "tracker": "", "people": 2,'
    ' "tracks": [1, 3], "spans": {"1": [[3, 3], [5, 5]], "3": [[3, 5]]}, "screenshots": {},'
    ' "seconds": {}, "stills": {"1": [5, 0.4], "2": [3, 0.9], "3": [4, 0.5]},'
    ' "video_size": [32, 24], "memory": [3, 3], "cuts": [3, 5]}',
)


def keypoint_lines(start: int, seen: list[set[int]]) -> bytes:
    frames = [
        pose_pb2.TrackedFrame(
            frame_index=index,
            pts=index,
            people=[
                pose_pb2.TrackedPose(track_id=track, pose=pose_pb2.Pose(keypoints=[1.0] * 54))
                for track in sorted(ids)
            ],
        )
        for index, ids in enumerate(seen, start)
    ]
    return b"".join(keypoints.line(frame, VIDEO.time_base) for frame in frames)


def test_tracks_span_segments_and_include_older_checkpoints(
    stack: Stack,
) -> None:
    request = JobRequest(
        id=new_job_id(),
        name="clip.mp4",
        size=1,
        sha256="0" * 64,
        created_at=now(),
        options=JobOptions(smoothing=Smoothing.STRONG),
    )
    keys = Keys(request.id)
    for number, seen in enumerate(SEEN):
        lines = keypoint_lines(3 * number, seen)
        stack.store.put(keys.segment(number, "keypoints.jsonl"), lines, keypoints.CONTENT_TYPE)
    for track in (1, 2):
        stack.store.put(keys.segment_still(1, track), b"picture", "image/jpeg")
    try:
        manifest = publish(
            stack.store,
            request,
            VIDEO,
            inference_pb2.Model(name="any"),
            [Checkpoint.model_validate_json(text) for text in CHECKPOINTS],
            renderer_pb2.JoinSegmentsResponse(),
            1.0,
            lambda: None,
        )
        tracks = json.loads(stack.store.get(keys.tracks)[0])
        header = json.loads(stack.store.get(keys.keypoints)[0].splitlines()[0])
    finally:
        stack.store.delete_prefix(keys.result)
        stack.store.delete_prefix(keys.segments)
    assert manifest.options.max_resolution == 1080  # as the job was created
    assert tracks["duration_seconds"] == 0.2
    times = [track.pop("times") for track in tracks["tracks"]]
    assert tracks["tracks"] == [
        {"id": 1, "frames": 5, "first": 0, "last": 5, "spans": [[0, 3], [5, 5]]},
        {"id": 2, "frames": 1, "first": 1, "last": 1, "spans": [[1, 1]]},
        {"id": 3, "frames": 3, "first": 3, "last": 5, "spans": [[3, 5]]},
    ]
    for found, expected in zip(times, ([(0, 4), (5, 6)], [(1, 2)], [(3, 6)]), strict=True):
        assert found == [pytest.approx([first / 30, end / 30], abs=1e-6) for first, end in expected]
    assert header["smoothing"] == "strong"
    assert manifest.tracks == 3
    assert manifest.cuts == [0.1, 0.166667]
    types = {file.path: file.content_type for file in manifest.files}
    assert types["tracks.json"] == "application/json"
    # The second track appears in one frame of six: a ghost. The third has no still.
    assert [path for path in types if path.startswith("stills/")] == ["stills/person_001.jpg"]
    assert types["stills/person_001.jpg"] == "image/jpeg"
    assert (manifest.video_width, manifest.video_height) == (32, 24)
