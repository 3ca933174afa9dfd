"""A video's tracker as bytes: versioned JSON, in which every float is exactly what it was."""

import json
from typing import Annotated, Final, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from poseway.errors import STATE_NEWER, IncompatibleError, InvalidRequestError
from poseway_tracker.older_states import upgraded
from poseway_tracker.smoothing.smoother import Smoother, SmootherState
from poseway_tracker.trackers.base import Tracker
from poseway_tracker.trackers.clock import Clock, ClockState
from poseway_tracker.trackers.kalman import BoxFilter
from poseway_tracker.trackers.pose_tracker import PeopleTracker, Person
from poseway_tracker.trackers.sort import Sort, Track
from poseway_tracker.trackers.thresholds import Thresholds

_VERSION: Final = 3

# No box that is let in leads beyond this, and nothing within it overflows.
_Number = Annotated[float, Field(ge=-1e18, le=1e18, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0, le=1 << 62)]
_Seconds = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
_Time = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
_Id = Annotated[int, Field(ge=1, le=1 << 62)]
_Row = Annotated[list[_Number], Field(min_length=7, max_length=7)]
_Rows = Annotated[list[_Row], Field(min_length=7, max_length=7)]
_Keypoints = Annotated[
    list[Annotated[list[_Number], Field(min_length=3, max_length=3)]],
    Field(min_length=18, max_length=18),
]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Filter(_Record):
    mean: _Row
    covariance: _Rows

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if min(self.mean[2:4]) <= 0:
            raise ValueError("area and aspect must be above 0")
        try:
            np.linalg.cholesky(np.array(self.covariance))
        except np.linalg.LinAlgError as error:
            raise ValueError("the covariance is not positive definite") from error
        return self

    @staticmethod
    def of(mean: NDArray[np.float64], covariance: NDArray[np.float64]) -> "_Filter":
        return _Filter.model_construct(mean=mean.tolist(), covariance=covariance.tolist())

    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array(self.mean), np.array(self.covariance)


class _Track(_Record):
    id: _Id
    seen: _Time
    hit_streak: _Count
    found: bool
    filter: _Filter


class _Sort(_Record):
    kind: Literal["sort"] = "sort"
    max_age: _Seconds
    min_hits: _Count
    iou_threshold: Annotated[float, Field(gt=0, le=1)]
    next_id: _Id
    frame_count: _Count
    time: _Time | None
    tracks: list[_Track]


class _Person(_Record):
    id: _Count
    seen: _Time
    found: _Seconds
    missed: _Count
    box: Annotated[list[_Number], Field(min_length=4, max_length=4)]
    pose: _Keypoints | None
    filter: _Filter
    last: _Filter

    @model_validator(mode="after")
    def _has_a_box(self) -> Self:
        left, top, right, bottom = self.box
        if not (left < right and top < bottom):
            raise ValueError("a box's right and bottom must be larger than its left and top")
        return self


class _People(_Record):
    kind: Literal["people"] = "people"
    thresholds: Annotated[list[_Share], Field(min_length=7, max_length=7)]
    max_age: _Seconds
    next_id: _Id
    time: _Time | None
    people: list[_Person]


class _State(_Record):
    version: Literal[3]
    last_frame: _Count | None
    clock: ClockState | None
    tracker: Annotated[_Sort | _People, Field(discriminator="kind")]
    smoother: SmootherState | None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if isinstance(self.tracker, _People):
            without = sum(person.pose is None for person in self.tracker.people)
            if without not in (0, len(self.tracker.people)):
                raise ValueError("all people must have poses, or none")
        held = self.tracker.tracks if isinstance(self.tracker, _Sort) else self.tracker.people
        ids = [one.id for one in held if one.id]
        if len(set(ids)) < len(ids) or max(ids, default=0) >= self.tracker.next_id:
            raise ValueError("ids must differ and be below next_id")
        return self


class Saved(NamedTuple):
    """What is remembered of a video between two segments.

    Attributes:
        tracker: A `Sort` or a `PeopleTracker`.
        smoother: The smoother, if there is one.
        clock: The clock.
        last_frame: Index of the frame that was seen last, if any.
    """

    tracker: Tracker
    smoother: Smoother | None
    clock: Clock
    last_frame: int | None


def dump(saved: Saved) -> bytes:
    """Writes what is remembered of a video."""
    tracker, smoother, clock, last_frame = saved
    if isinstance(tracker, Sort):
        record: _Sort | _People = _of_sort(tracker)
    elif isinstance(tracker, PeopleTracker):
        record = _of_people(tracker)
    else:
        raise TypeError(f"{type(tracker).__name__} cannot be saved")
    return (
        _State.model_construct(
            version=_VERSION,
            last_frame=last_frame,
            clock=clock.dump(),
            tracker=record,
            smoother=None if smoother is None else smoother.dump(),
        )
        .model_dump_json()
        .encode()
    )


def load(data: bytes, frame_rate: float, next_time: float) -> Saved:
    """Reads what `dump` wrote, or what it wrote in older versions, which counted in frames.

    Args:
        data: The state.
        frame_rate: Frames per second, by which older versions went.
        next_time: Presentation time of the next frame, in seconds.

    Raises:
        InvalidRequestError: It is no state.
        IncompatibleError: A newer version wrote it.
    """
    try:
        state = _State.model_validate_json(_current(data, frame_rate, next_time))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise InvalidRequestError(
            f"The tracker's state cannot be read ({where}: {first['msg']}). Send the state, of "
            f"version {_VERSION}, that the segment before ended with; or begin the job again.",
            "state_unreadable",
        ) from error
    record = state.tracker
    tracker = _sort(record) if isinstance(record, _Sort) else _people(record)
    smoother = None if state.smoother is None else Smoother.load(state.smoother)
    return Saved(tracker, smoother, Clock.load(state.clock), state.last_frame)


def _current(data: bytes, frame_rate: float, next_time: float) -> bytes:
    """A state of this version.

    Raises:
        IncompatibleError: The state is of a version that only a newer tracker knows.
    """
    try:
        state = json.loads(data)
    except ValueError:
        return data  # what is wrong with it is said where it is validated
    version = state.get("version") if isinstance(state, dict) else None
    if isinstance(version, int) and version > _VERSION:
        raise IncompatibleError(
            f"The tracker's state is of version {version}, and this tracker knows up to "
            f"{_VERSION}. Send it to a newer one, or begin the job again.",
            STATE_NEWER,
        )
    if version not in (1, 2):
        return data
    try:
        return json.dumps(upgraded(state, frame_rate, next_time)).encode()
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return data


def _of_sort(sort: Sort) -> _Sort:
    tracks = [
        _Track.model_construct(
            id=track.id,
            seen=track.seen,
            hit_streak=track.hit_streak,
            found=track.found,
            filter=_Filter.of(track.filter.mean, track.filter.covariance),
        )
        for track in sort.tracks
    ]
    return _Sort.model_construct(
        max_age=sort.max_age,
        min_hits=sort.min_hits,
        iou_threshold=sort.iou_threshold,
        next_id=sort.next_id,
        frame_count=sort.frame_count,
        time=sort.time,
        tracks=tracks,
    )


def _sort(record: _Sort) -> Sort:
    sort = Sort(record.max_age, record.min_hits, record.iou_threshold)
    sort.next_id, sort.frame_count, sort.time = record.next_id, record.frame_count, record.time
    sort.tracks = [
        Track(
            track.id,
            BoxFilter.restore(*track.filter.arrays()),
            track.seen,
            track.hit_streak,
            track.found,
        )
        for track in record.tracks
    ]
    return sort


def _of_people(tracker: PeopleTracker) -> _People:
    people = [
        _Person.model_construct(
            id=person.id,
            seen=person.seen,
            found=person.found,
            missed=person.missed,
            box=person.box.tolist(),
            pose=None if person.pose is None else person.pose.tolist(),
            filter=_Filter.of(person.filter.mean, person.filter.covariance),
            last=_Filter.of(person.mean, person.covariance),
        )
        for person in tracker.people
    ]
    return _People.model_construct(
        thresholds=list(tracker.thresholds),
        max_age=tracker.max_age,
        next_id=tracker.next_id,
        time=tracker.time,
        people=people,
    )


def _people(record: _People) -> PeopleTracker:
    people = [
        Person(
            BoxFilter.restore(*person.filter.arrays()),
            np.array(person.box),
            None if person.pose is None else np.array(person.pose),
            *person.last.arrays(),
            seen=person.seen,
            found=person.found,
            id=person.id,
            missed=person.missed,
        )
        for person in record.people
    ]
    thresholds = Thresholds(*record.thresholds)
    return PeopleTracker(record.max_age, thresholds, people, record.next_id, record.time)
