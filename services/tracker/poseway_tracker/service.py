"""The tracker's gRPC service."""

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
from poseway_tracker.session import Frame, Identified, VideoTracker
from poseway_tracker.settings import TrackerSettings
from poseway_tracker.smoothing.smoother import Smoother, Strength
from poseway_tracker.trackers import TRACKERS

NAME: Final = tracker_pb2.DESCRIPTOR.services_by_name["TrackerService"].full_name

_MAX_FRAME_RATE: Final = 100_000
_VALUES: Final = len(KEYPOINTS) * 3

_STRENGTHS: Final = {
    tracker_pb2.SMOOTHING_LIGHT: Strength.LIGHT,
    tracker_pb2.SMOOTHING_STRONG: Strength.STRONG,
}

_FRAMES: Final = prometheus_client.Counter("poseway_tracked_frames", "Frames tracked.")
_PEOPLE: Final = prometheus_client.Counter(
    "poseway_tracked_people", "People who were tracked, counted once per frame."
)

log = structlog.get_logger(__name__)


class TrackerService(tracker_pb2_grpc.TrackerServiceServicer):
    """Tracks the people of each call with a tracker of its own; keeps nothing between calls."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings

    def Track(  # noqa: N802 # the proto's name
        self, request_iterator: Iterator[tracker_pb2.TrackRequest], context: grpc.ServicerContext
    ) -> Iterator[tracker_pb2.TrackResponse]:
        """Tracks one segment of a video.

        Frames are answered once the last one has arrived, because later frames decide who gets an
        id. The state comes last; the next segment starts with it.
        """
        first = next(request_iterator, tracker_pb2.TrackRequest())
        if first.WhichOneof("message") != "start":
            raise InvalidRequestError("The first message must be the start.")
        start = first.start
        if not 0 < start.frame_rate <= _MAX_FRAME_RATE:
            raise InvalidRequestError(f"frame_rate must be above 0 and at most {_MAX_FRAME_RATE}.")
        frames = []
        for request in request_iterator:
            if request.WhichOneof("message") != "frame":
                raise InvalidRequestError("Every message after the first must be a frame.")
            frames.append(request.frame)
        read = [_frame(frame, start.frame_rate) for frame in frames]
        video = self._video(start, read[0].time if read else 0.0)
        identified = video.segment(read)
        for frame, people in zip(frames, identified, strict=True):
            yield tracker_pb2.TrackResponse(frame=_answer(frame, people))
        log.info("segment tracked", job=start.job_id, frames=len(frames))
        yield tracker_pb2.TrackResponse(state=video.save())

    def _video(self, start: tracker_pb2.TrackStart, first_time: float) -> VideoTracker:
        if start.state:
            return VideoTracker.resume(start.state, start.frame_rate, first_time)
        if start.smoothing not in tracker_pb2.Smoothing.values():
            raise InvalidRequestError(f"smoothing {start.smoothing} is unknown.")
        strength = _STRENGTHS.get(start.smoothing)
        smoother = None if strength is None else Smoother(strength)
        tracker = TRACKERS[self._settings.tracker].begin(self._settings.tracker_options)
        return VideoTracker(tracker, smoother)


def add_to(server: grpc.Server, settings: TrackerSettings) -> str:
    """Adds the service to a server and returns its full name."""
    tracker_pb2_grpc.add_TrackerServiceServicer_to_server(TrackerService(settings), server)
    return NAME


def _frame(frame: pose_pb2.FramePoses, frame_rate: float) -> Frame:
    scores = np.array([pose.score for pose in frame.poses], np.float64)
    # Older clients send no times.
    time = frame.time if frame.HasField("time") else frame.frame_index / frame_rate
    return Frame(frame.frame_index, _keypoints(frame), scores, time, frame.cut)


def _answer(frame: pose_pb2.FramePoses, people: Identified) -> pose_pb2.TrackedFrame:
    answer = pose_pb2.TrackedFrame(frame_index=frame.frame_index)
    order = np.argsort(people.ids, kind="stable").tolist()
    for id_, pose in ((int(people.ids[index]), frame.poses[index]) for index in order):
        if id_:
            tracked = answer.people.add(track_id=id_, pose=pose)
            if id_ in people.smoothed:
                keypoints, filled = people.smoothed[id_]
                tracked.smoothed.keypoints.extend(keypoints.ravel().tolist())
                tracked.smoothed.filled.extend(np.flatnonzero(filled).tolist())
        else:
            answer.untracked.append(pose)
    _FRAMES.inc()
    _PEOPLE.inc(len(answer.people))
    return answer


def _keypoints(frame: pose_pb2.FramePoses) -> NDArray[np.float64]:
    """Returns the keypoints of a frame's poses, float64 (n, 18, 3).

    Raises:
        InvalidRequestError: A pose has another number of values, or its score is not finite.
    """
    for pose in frame.poses:
        if len(pose.keypoints) != _VALUES:
            raise InvalidRequestError(
                f"Frame {frame.frame_index}: a pose has {len(pose.keypoints)} values; it must have "
                f"{_VALUES}: x, y and score of {len(KEYPOINTS)} keypoints."
            )
        if not np.isfinite(pose.score):
            raise InvalidRequestError(
                f"Frame {frame.frame_index}: the score of a pose is not a finite number."
            )
    keypoints = np.array([pose.keypoints for pose in frame.poses], np.float64)
    return keypoints.reshape(-1, len(KEYPOINTS), 3)
