"""A video's tracker as bytes: versioned JSON, in which every float is exactly what it was."""

import json
from typing import Annotated, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from poseway.errors import STATE_NEWER, IncompatibleError, InvalidRequestError
from services.tracker.detections import Tracker
from services.tracker.kalman import BoxFilter
from services.tracker.people import PeopleTracker, Person
from services.tracker.smoothing import Smoother, SmootherState
from services.tracker.sort import Sort, Track
from services.tracker.thresholds import Thresholds

_VERSION: Final = 2

# No box that is let in leads beyond this, and nothing within it overflows.
_Number = Annotated[float, Field(ge=-1e18, le=1e18, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0, le=1 << 62)]
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
    hit_streak: _Count
    time_since_update: _Count
    filter: _Filter


class _Sort(_Record):
    kind: Literal["sort"] = "sort"
    max_age: _Count
    min_hits: _Count
    iou_threshold: Annotated[float, Field(gt=0, le=1)]
    next_id: _Id
    frame_count: _Count
    tracks: list[_Track]


class _Person(_Record):
    id: _Count
    hits: _Count
    missed: _Count
    box: Annotated[list[_Number], Field(min_length=4, max_length=4)]
    pose: _Keypoints | None
    filter: _Filter
    seen: _Filter

    @model_validator(mode="after")
    def _has_a_box(self) -> Self:
        left, top, right, bottom = self.box
        if not (left < right and top < bottom):
            raise ValueError("a box's right and bottom must be larger than its left and top")
        return self


class _People(_Record):
    kind: Literal["people"] = "people"
    thresholds: Annotated[list[_Share], Field(min_length=7, max_length=7)]
    min_hits: _Count
    short_age: _Count
    max_age: _Count
    next_id: _Id
    people: list[_Person]


class _State(_Record):
    version: Literal[2]
    last_frame: _Count | None
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


def dump(tracker: Tracker, smoother: Smoother | None, last_frame: int | None) -> bytes:
    """Writes what is remembered of a video.

    Args:
        tracker: A `Sort` or a `PeopleTracker`.
        smoother: The smoother, if there is one.
        last_frame: Index of the frame that was seen last, if any.
    """
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
            tracker=record,
            smoother=None if smoother is None else smoother.dump(),
        )
        .model_dump_json()
        .encode()
    )


def load(saved: bytes) -> tuple[Tracker, Smoother | None, int | None]:
    """Reads what `dump` wrote.

    Raises:
        InvalidRequestError: It is no state.
        IncompatibleError: A newer version wrote it.
    """
    try:
        state = _State.model_validate_json(_current(saved))
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
    return tracker, smoother, state.last_frame


def _current(saved: bytes) -> bytes:
    """A state of this version: version 1 knew SORT only, and its jobs go on with that.

    Raises:
        IncompatibleError: The state is of a version that only a newer tracker knows.
    """
    try:
        old = json.loads(saved)
    except ValueError:
        return saved  # what is wrong with it is said where it is validated
    version = old.get("version") if isinstance(old, dict) else None
    if isinstance(version, int) and version > _VERSION:
        raise IncompatibleError(
            f"The tracker's state is of version {version}, and this tracker knows up to "
            f"{_VERSION}. Send it to a newer one, or begin the job again.",
            STATE_NEWER,
        )
    if version != 1:
        return saved
    try:
        last_frame = old.pop("last_frame")
        for track in old["tracks"]:
            track["filter"] = {name: track.pop(name) for name in ("mean", "covariance")}
    except (KeyError, TypeError, AttributeError):
        return saved
    del old["version"]
    tracker = {"kind": "sort", **old}
    state = {"version": 2, "last_frame": last_frame, "tracker": tracker, "smoother": None}
    return json.dumps(state).encode()


def _of_sort(sort: Sort) -> _Sort:
    tracks = [
        _Track.model_construct(
            id=track.id,
            hit_streak=track.hit_streak,
            time_since_update=track.time_since_update,
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
        tracks=tracks,
    )


def _sort(record: _Sort) -> Sort:
    sort = Sort(record.max_age, record.min_hits, record.iou_threshold)
    sort.next_id, sort.frame_count = record.next_id, record.frame_count
    sort.tracks = [
        Track(
            track.id,
            BoxFilter.restore(*track.filter.arrays()),
            track.hit_streak,
            track.time_since_update,
        )
        for track in record.tracks
    ]
    return sort


def _of_people(tracker: PeopleTracker) -> _People:
    people = [
        _Person.model_construct(
            id=person.id,
            hits=person.hits,
            missed=person.missed,
            box=person.box.tolist(),
            pose=None if person.pose is None else person.pose.tolist(),
            filter=_Filter.of(person.filter.mean, person.filter.covariance),
            seen=_Filter.of(person.mean, person.covariance),
        )
        for person in tracker.people
    ]
    return _People.model_construct(
        thresholds=list(tracker.thresholds),
        min_hits=tracker.min_hits,
        short_age=tracker.short_age,
        max_age=tracker.max_age,
        next_id=tracker.next_id,
        people=people,
    )


def _people(record: _People) -> PeopleTracker:
    people = [
        Person(
            BoxFilter.restore(*person.filter.arrays()),
            np.array(person.box),
            None if person.pose is None else np.array(person.pose),
            *person.seen.arrays(),
            id=person.id,
            hits=person.hits,
            missed=person.missed,
        )
        for person in record.people
    ]
    return PeopleTracker(
        Thresholds(*record.thresholds),
        record.min_hits,
        record.short_age,
        record.max_age,
        people,
        record.next_id,
    )
