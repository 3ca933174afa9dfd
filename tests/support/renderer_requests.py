"""Requests to the renderer."""

import io
from typing import Any

from poseway.jobs import Keys
from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoReader
from poseway.storage import ObjectStore
from poseway.v1 import pose_pb2, renderer_pb2
from tests.support.people_to_draw import keypoints

Request = renderer_pb2.RenderSegmentRequest


def upload(store: ObjectStore, job_id: str, data: bytes) -> list[SourceFrame]:
    store.put(Keys(job_id).upload, data, "application/octet-stream")
    return list(VideoReader(io.BytesIO(data)).frames())


def frame(source: SourceFrame, x: float = 80) -> Request:
    person = pose_pb2.TrackedPose(
        track_id=1, pose=pose_pb2.Pose(keypoints=keypoints(x, 20, 90).ravel().tolist(), score=1)
    )
    return Request(
        frame=pose_pb2.TrackedFrame(frame_index=source.index, pts=source.pts, people=[person])
    )


def segment(job_id: str, number: int, frames: list[SourceFrame], **header: Any) -> list[Request]:  # noqa: ANN401 # any field of the proto
    head = renderer_pb2.SegmentHeader(job_id=job_id, segment=number, **header)
    return [Request(header=head), *(frame(source) for source in frames)]
