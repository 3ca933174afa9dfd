"""What a request asks for, checked, in the renderer's own terms."""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import isfinite
from typing import Final

import numpy as np

from poseway.errors import InvalidRequestError, UnavailableError
from poseway.skeleton import KEYPOINTS
from poseway.v1 import pose_pb2, renderer_pb2
from services.renderer.draw import Person
from services.renderer.segment import Background, Every, PosedFrame

_JOB_ID: Final = re.compile(r"[0-9a-f]{32}")
_NUMBERS: Final = 3 * len(KEYPOINTS)


def header(request: renderer_pb2.RenderSegmentRequest | None) -> renderer_pb2.SegmentHeader:
    """The header of a segment, which must come first.

    Raises:
        InvalidRequestError: It is missing or wrong.
    """
    if request is None or request.WhichOneof("message") != "header":
        raise InvalidRequestError("The first message must be the header.")
    check_job_id(request.header.job_id)
    if request.header.segment < 0:
        raise InvalidRequestError("Segments are numbered from 0.")
    return request.header


def check_job_id(job_id: str) -> None:
    """Raises InvalidRequestError for what is no job id: it becomes part of object keys."""
    if not _JOB_ID.fullmatch(job_id):
        raise InvalidRequestError(f"{job_id!r} is not the id of a job.")


def background(overlay: "renderer_pb2.Overlay.ValueType") -> Background:
    """What to draw on.

    Raises:
        InvalidRequestError: This version does not know it.
    """
    if overlay in (renderer_pb2.OVERLAY_UNSPECIFIED, renderer_pb2.OVERLAY_VIDEO):
        return Background.VIDEO
    if overlay == renderer_pb2.OVERLAY_BLACK:
        return Background.BLACK
    raise InvalidRequestError(f"There is no overlay {overlay}.")


def every(segment: renderer_pb2.SegmentHeader) -> Every:
    """When to take screenshots.

    Raises:
        InvalidRequestError: The interval is not above 0.
    """
    interval = segment.screenshots
    match interval.WhichOneof("interval"):
        case "frames":
            if interval.frames < 1:
                raise InvalidRequestError("Screenshots can be at least 1 frame apart.")
            return Every(frames=interval.frames)
        case "seconds":
            if not isfinite(interval.seconds) or interval.seconds <= 0:
                raise InvalidRequestError("Screenshots must be more than 0 seconds apart.")
            # What was written is meant: 0.1 is a tenth, not the nearest binary fraction.
            return Every(seconds=Fraction(str(interval.seconds)))
    return Every()


def posed(
    requests: Iterator[renderer_pb2.RenderSegmentRequest], wanted: Callable[[], bool]
) -> Iterator[PosedFrame]:
    """The frames that follow the header, each as it arrives.

    Args:
        requests: The messages after the header.
        wanted: Whether the caller still waits for the answer.

    Raises:
        UnavailableError: The caller went away.
        InvalidRequestError: Something else comes, or keypoints are not as they should be.
    """
    for request in requests:
        if not wanted():
            raise UnavailableError("The caller went away.")
        if request.WhichOneof("message") != "frame":
            raise InvalidRequestError("After the header, every message must be a frame.")
        frame = request.frame
        people = [_person(person) for person in frame.people]
        yield PosedFrame(frame.frame_index, frame.pts, people)


def _person(tracked: pose_pb2.TrackedPose) -> Person:
    """The person as it is drawn: smoothed where it is."""
    pose = tracked.smoothed if tracked.HasField("smoothed") else tracked.pose
    numbers = np.array(pose.keypoints, np.float32)
    if len(numbers) != _NUMBERS or not np.isfinite(numbers).all():
        raise InvalidRequestError(
            f"The keypoints of track {tracked.track_id} must be {_NUMBERS} finite numbers."
        )
    person = Person(tracked.track_id, numbers.reshape(-1, 3))
    for index in tracked.smoothed.filled:
        if not 0 <= index < len(KEYPOINTS):
            raise InvalidRequestError(
                f"Track {tracked.track_id}: there is no keypoint {index} to be filled."
            )
        person.filled[index] = True
    return person
