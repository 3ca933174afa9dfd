"""Validates requests and converts them to the renderer's own types."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError, UnavailableError
from poseway.read_options import Reading
from poseway.rpc.overlay import from_proto
from poseway.skeleton import KEYPOINTS
from poseway.v1 import pose_pb2, renderer_pb2
from poseway_renderer.drawing.people import Person, PosedFrame
from poseway_renderer.drawing.style import Style
from poseway_renderer.segment import ScreenshotInterval, SegmentOptions

_JOB_ID: Final = re.compile(r"[0-9a-f]{32}")
_NUMBERS: Final = 3 * len(KEYPOINTS)
_MAX_CRF: Final = 51
_MAX_LINE_WIDTH: Final = 1000


def header(request: renderer_pb2.RenderSegmentRequest | None) -> renderer_pb2.SegmentHeader:
    """Returns the header of a segment, which must be the first message.

    Raises:
        InvalidRequestError: It is missing or invalid.
    """
    if request is None or request.WhichOneof("message") != "header":
        raise InvalidRequestError("The first message must be the header.")
    check_job_id(request.header.job_id)
    if request.header.segment < 0:
        raise InvalidRequestError("The number of the segment must not be negative.")
    return request.header


def check_job_id(job_id: str) -> None:
    """Raises InvalidRequestError for an invalid job id, which would become part of object keys."""
    if not _JOB_ID.fullmatch(job_id):
        raise InvalidRequestError(f"{job_id!r} is not a job id.")


def segment_options(segment: renderer_pb2.SegmentHeader) -> SegmentOptions:
    """Converts the header of a segment.

    Raises:
        InvalidRequestError: A value is out of range.
    """
    if not 0 <= segment.crf <= _MAX_CRF:
        raise InvalidRequestError(f"crf must be from 1 to {_MAX_CRF}, or 0 for the default.")
    if segment.max_resolution < 0:
        raise InvalidRequestError("max_resolution must not be negative.")
    return SegmentOptions(
        style=_style(segment.overlay, segment.drawing),
        screenshots=_interval(segment.screenshots),
        stills=_stills(segment.stills),
        before=[_posed_frame(frame) for frame in segment.before],
        max_resolution=segment.max_resolution,
        crf=segment.crf or None,
        reading=reading(segment.reading),
    )


def reading(message: renderer_pb2.Reading) -> Reading:
    """Converts what the user stated about the upload.

    Raises:
        InvalidRequestError: A value is out of range.
    """
    video = message.video_stream if message.HasField("video_stream") else None
    audio = message.audio_stream if message.HasField("audio_stream") else None
    if any(index is not None and index < 0 for index in (video, audio)):
        raise InvalidRequestError("The index of a stream must not be negative.")
    rate = message.assume_frame_rate
    if not isfinite(rate) or rate < 0:
        raise InvalidRequestError("assume_frame_rate must be positive, or 0 for the default.")
    return Reading(video, audio, rate or None)


def _style(value: "renderer_pb2.Overlay.ValueType", drawing: renderer_pb2.Drawing) -> Style:
    try:
        overlay = from_proto(value)
    except KeyError as error:
        raise InvalidRequestError(f"Overlay {value} is unknown.") from error
    if not 0 <= drawing.line_width <= _MAX_LINE_WIDTH:
        raise InvalidRequestError(
            f"line_width must be at most {_MAX_LINE_WIDTH}, or 0 for the default."
        )
    return Style(
        overlay=overlay,
        ids=not drawing.hide_ids,
        scores=drawing.scores,
        boxes=drawing.boxes,
        trails=drawing.trails,
        line_width=drawing.line_width or None,
    )


def _stills(stills: Iterable[renderer_pb2.Still]) -> dict[int, list[int]]:
    """Returns track ids by frame index."""
    frames: dict[int, list[int]] = {}
    tracks = set()
    for still in stills:
        if still.track_id in tracks:
            raise InvalidRequestError(f"Track {still.track_id} has more than one still.")
        tracks.add(still.track_id)
        frames.setdefault(still.frame_index, []).append(still.track_id)
    return frames


def _interval(interval: renderer_pb2.ScreenshotInterval) -> ScreenshotInterval:
    match interval.WhichOneof("interval"):
        case "frames":
            if interval.frames < 1:
                raise InvalidRequestError("Screenshots must be at least 1 frame apart.")
            return ScreenshotInterval(frames=interval.frames)
        case "seconds":
            if not isfinite(interval.seconds) or interval.seconds <= 0:
                raise InvalidRequestError("Screenshots must be more than 0 seconds apart.")
            # The decimal value is exact: 0.1 means a tenth, not the nearest binary fraction.
            return ScreenshotInterval(seconds=Fraction(str(interval.seconds)))
    return ScreenshotInterval()


def posed_frames(
    requests: Iterator[renderer_pb2.RenderSegmentRequest], wanted: Callable[[], bool]
) -> Iterator[PosedFrame]:
    """Yields the frames that follow the header, each as it arrives.

    Args:
        requests: The messages after the header.
        wanted: Whether the caller still waits for the response.

    Raises:
        UnavailableError: The caller went away.
        InvalidRequestError: A message is not a frame, or its keypoints are invalid.
    """
    for request in requests:
        if not wanted():
            raise UnavailableError("The caller went away.")
        if request.WhichOneof("message") != "frame":
            raise InvalidRequestError("After the header, every message must be a frame.")
        yield _posed_frame(request.frame)


def _posed_frame(frame: pose_pb2.TrackedFrame) -> PosedFrame:
    return PosedFrame(
        frame.frame_index,
        frame.pts,
        [_person(person) for person in frame.people],
        [_keypoints(pose.keypoints, "an untracked person") for pose in frame.untracked],
    )


def _person(tracked: pose_pb2.TrackedPose) -> Person:
    """Returns the person as drawn: with smoothed keypoints if there are any."""
    who = f"track {tracked.track_id}"
    if not isfinite(tracked.pose.score):
        raise InvalidRequestError(f"The score of {who} must be a finite number.")
    smooth = tracked.HasField("smoothed")
    # Smoothed keypoints suffice, but raw ones must be valid if present.
    needed = tracked.pose.keypoints or not smooth
    raw = _keypoints(tracked.pose.keypoints, who) if needed else None
    drawn = _keypoints(tracked.smoothed.keypoints, who) if smooth or raw is None else raw
    person = Person(
        tracked.track_id,
        drawn,
        raw=None if raw is drawn else raw,
        score=tracked.pose.score if raw is not None and raw[:, 2].any() else None,
    )
    for index in tracked.smoothed.filled:
        if not 0 <= index < len(KEYPOINTS):
            raise InvalidRequestError(
                f"Track {tracked.track_id}: filled keypoint {index} does not exist."
            )
        person.filled[index] = True
    return person


def _keypoints(numbers: Sequence[float], who: str) -> NDArray[np.float32]:
    """Returns keypoints, float32 (18, 3)."""
    keypoints = np.array(numbers, np.float32)
    if len(keypoints) != _NUMBERS or not np.isfinite(keypoints).all():
        raise InvalidRequestError(f"The keypoints of {who} must be {_NUMBERS} finite numbers.")
    return keypoints.reshape(-1, 3)
