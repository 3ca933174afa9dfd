"""The tracker over gRPC."""

from collections.abc import Iterator
from typing import Final

import grpc
import numpy as np
import prometheus_client
import structlog
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError
from poseway.skeleton import KEYPOINTS
from poseway.v1 import pose_pb2, tracker_pb2, tracker_pb2_grpc
from services.tracker.poses import PoseTracker
from services.tracker.settings import TrackerSettings

NAME: Final = tracker_pb2.DESCRIPTOR.services_by_name["TrackerService"].full_name

_MAX_FRAME_RATE: Final = 100_000
_NUMBERS: Final = len(KEYPOINTS) * 3

_FRAMES: Final = prometheus_client.Counter("poseway_tracked_frames", "Frames tracked.")
_PEOPLE: Final = prometheus_client.Counter("poseway_tracked_people", "People in these frames.")

log = structlog.get_logger(__name__)


class TrackerService(tracker_pb2_grpc.TrackerServiceServicer):
    """Tracks each call's people with a tracker of its own."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings

    def Track(  # noqa: N802 # the proto's name
        self, request_iterator: Iterator[tracker_pb2.TrackRequest], context: grpc.ServicerContext
    ) -> Iterator[tracker_pb2.TrackResponse]:
        """Answers every frame as it comes, then gives the state."""
        first = next(request_iterator, tracker_pb2.TrackRequest())
        if first.WhichOneof("message") != "start":
            raise InvalidRequestError("The first message must be the start.")
        tracker = self._tracker(first.start)
        frames = 0
        for request in request_iterator:
            if request.WhichOneof("message") != "frame":
                raise InvalidRequestError("Every message after the first must be a frame.")
            yield tracker_pb2.TrackResponse(frame=_track(tracker, request.frame))
            frames += 1
        log.info("segment tracked", job=first.start.job_id, frames=frames)
        yield tracker_pb2.TrackResponse(state=tracker.save())

    def _tracker(self, start: tracker_pb2.TrackStart) -> PoseTracker:
        if start.state:
            return PoseTracker.resume(start.state)
        if not 0 < start.frame_rate <= _MAX_FRAME_RATE:
            raise InvalidRequestError(f"frame_rate must be above 0 and at most {_MAX_FRAME_RATE}.")
        max_age = round(self._settings.track_max_age_seconds * start.frame_rate)
        return PoseTracker(max_age, self._settings.track_iou_threshold)


def add_to(server: grpc.Server, settings: TrackerSettings) -> str:
    """Adds the service to a server and returns its full name."""
    tracker_pb2_grpc.add_TrackerServiceServicer_to_server(TrackerService(settings), server)
    return NAME


def _track(tracker: PoseTracker, frame: pose_pb2.FramePoses) -> pose_pb2.TrackedFrame:
    ids = tracker.update(frame.frame_index, _keypoints(frame)).tolist()
    people = [
        pose_pb2.TrackedPose(track_id=track_id, pose=pose)
        for track_id, pose in sorted(zip(ids, frame.poses, strict=True), key=lambda pair: pair[0])
    ]
    _FRAMES.inc()
    _PEOPLE.inc(len(people))
    return pose_pb2.TrackedFrame(frame_index=frame.frame_index, people=people)


def _keypoints(frame: pose_pb2.FramePoses) -> NDArray[np.float64]:
    """The keypoints of a frame's poses, float64 (n, 18, 3)."""
    for pose in frame.poses:
        if len(pose.keypoints) != _NUMBERS:
            raise InvalidRequestError(
                f"Frame {frame.frame_index}: a pose has {len(pose.keypoints)} numbers "
                f"instead of {_NUMBERS}."
            )
        if not np.isfinite(pose.score):
            raise InvalidRequestError(
                f"Frame {frame.frame_index}: a pose's score is not a finite number."
            )
    keypoints = np.array([pose.keypoints for pose in frame.poses], np.float64)
    return keypoints.reshape(-1, len(KEYPOINTS), 3)
