"""The tracker of a video as bytes: versioned JSON that restores every float exactly."""

import json
from typing import Any, Final, Literal, NamedTuple

from pydantic import SerializeAsAny, ValidationError, field_validator

from poseway.errors import STATE_NEWER, IncompatibleError, InvalidRequestError
from poseway_tracker.older_states import upgraded
from poseway_tracker.smoothing.smoother import Smoother, SmootherState
from poseway_tracker.trackers import TRACKERS
from poseway_tracker.trackers.base import Tracker
from poseway_tracker.trackers.clock import Clock, ClockState
from poseway_tracker.trackers.filter_state import Count, Record
from poseway_tracker.trackers.kind import TrackerRecord

_VERSION: Final = 3


class _State(Record):
    version: Literal[3]
    last_frame: Count | None
    clock: ClockState | None
    tracker: SerializeAsAny[TrackerRecord[Any]]
    smoother: SmootherState | None

    @field_validator("tracker", mode="plain")
    @classmethod
    def _read_tracker(cls, value: Any) -> TrackerRecord[Any]:  # noqa: ANN401 # JSON
        tag = value.get("kind") if isinstance(value, dict) else None
        for kind in TRACKERS.values():
            if kind.tag == tag:
                return kind.record.model_validate(value)
        known = ", ".join(sorted(kind.tag for kind in TRACKERS.values()))
        raise ValueError(f"kind must be one of {known}, not {tag!r}")


class Saved(NamedTuple):
    """What is remembered of a video between two segments.

    Attributes:
        tracker: A tracker of one of the `TRACKERS`.
        smoother: The smoother, if keypoints are smoothed.
        clock: The clock.
        last_frame: Index of the last frame, or None before the first.
    """

    tracker: Tracker
    smoother: Smoother | None
    clock: Clock
    last_frame: int | None


def dump(saved: Saved) -> bytes:
    """Writes what is remembered of a video.

    Raises:
        TypeError: The tracker is not registered.
    """
    tracker, smoother, clock, last_frame = saved
    return (
        _State.model_construct(
            version=_VERSION,
            last_frame=last_frame,
            clock=clock.dump(),
            tracker=_record(tracker),
            smoother=None if smoother is None else smoother.dump(),
        )
        .model_dump_json()
        .encode()
    )


def load(data: bytes, frame_rate: float, next_time: float) -> Saved:
    """Reads what `dump` wrote, in this version or an older one.

    Args:
        data: The state.
        frame_rate: Frames per second. Versions 1 and 2 counted time in frames.
        next_time: Presentation time of the next frame, in seconds.

    Raises:
        InvalidRequestError: The data is not a state.
        IncompatibleError: A newer version wrote it.
    """
    try:
        state = _State.model_validate_json(_current(data, frame_rate, next_time))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole state"
        raise InvalidRequestError(
            f"The tracker's state cannot be read ({where}: {first['msg']}). Send the state that "
            f"the previous segment ended with, of version {_VERSION} or older, or restart the job.",
            "state_unreadable",
        ) from error
    smoother = None if state.smoother is None else Smoother.load(state.smoother)
    return Saved(state.tracker.restore(), smoother, Clock.load(state.clock), state.last_frame)


def _record(tracker: Tracker) -> TrackerRecord[Any]:
    for kind in TRACKERS.values():
        if type(tracker) is kind.tracker:
            return kind.record.of(tracker)
    raise TypeError(f"{type(tracker).__name__} is not one of the registered trackers")


def _current(data: bytes, frame_rate: float, next_time: float) -> bytes:
    """Returns a state of this version.

    Raises:
        IncompatibleError: A newer version wrote the state.
    """
    try:
        state = json.loads(data)
    except ValueError:
        return data  # validation reports what is wrong with it
    version = state.get("version") if isinstance(state, dict) else None
    if isinstance(version, int) and version > _VERSION:
        raise IncompatibleError(
            f"The tracker's state has version {version}, but this tracker reads versions up to "
            f"{_VERSION}. Send it to a newer tracker, or restart the job.",
            STATE_NEWER,
        )
    if version not in (1, 2):
        return data
    try:
        return json.dumps(upgraded(state, frame_rate, next_time)).encode()
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return data
