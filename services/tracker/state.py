"""A tracker as bytes: versioned JSON, in which every float is exactly what it was."""

from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from poseway.errors import InvalidRequestError
from services.tracker.kalman import BoxFilter
from services.tracker.sort import Sort, Track

_VERSION: Final = 1

# No box that is let in leads beyond this, and nothing within it overflows.
_Number = Annotated[float, Field(ge=-1e18, le=1e18, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=0, le=1 << 62)]
_Id = Annotated[int, Field(ge=1, le=1 << 62)]
_Row = Annotated[list[_Number], Field(min_length=7, max_length=7)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Track(_Record):
    id: _Id
    hit_streak: _Count
    time_since_update: _Count
    mean: _Row
    covariance: Annotated[list[_Row], Field(min_length=7, max_length=7)]

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if min(self.mean[2:4]) <= 0:
            raise ValueError("area and aspect must be above 0")
        try:
            np.linalg.cholesky(np.array(self.covariance))
        except np.linalg.LinAlgError as error:
            raise ValueError("the covariance is not positive definite") from error
        return self


class _State(_Record):
    version: Literal[1]
    max_age: _Count
    min_hits: _Count
    iou_threshold: Annotated[float, Field(gt=0, le=1)]
    next_id: _Id
    frame_count: _Count
    last_frame: _Count | None
    tracks: list[_Track]

    @model_validator(mode="after")
    def _ids_are_taken(self) -> Self:
        ids = {track.id for track in self.tracks}
        if len(ids) < len(self.tracks) or max(ids, default=0) >= self.next_id:
            raise ValueError("ids must differ and be below next_id")
        return self


def dump(sort: Sort, last_frame: int | None) -> bytes:
    """Writes a tracker.

    Args:
        sort: The tracker.
        last_frame: Index of the frame it saw last, if any.
    """
    tracks = [
        _Track.model_construct(
            id=track.id,
            hit_streak=track.hit_streak,
            time_since_update=track.time_since_update,
            mean=track.filter.mean.tolist(),
            covariance=track.filter.covariance.tolist(),
        )
        for track in sort.tracks
    ]
    state = _State.model_construct(
        version=_VERSION,
        max_age=sort.max_age,
        min_hits=sort.min_hits,
        iou_threshold=sort.iou_threshold,
        next_id=sort.next_id,
        frame_count=sort.frame_count,
        last_frame=last_frame,
        tracks=tracks,
    )
    return state.model_dump_json().encode()


def load(saved: bytes) -> tuple[Sort, int | None]:
    """Reads what `dump` wrote.

    Raises:
        InvalidRequestError: It is no state, or one of another version.
    """
    try:
        state = _State.model_validate_json(saved)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise InvalidRequestError(
            f"The tracker's state cannot be read ({where}: {first['msg']}). Send the state, of "
            f"version {_VERSION}, that the segment before ended with; or begin the job again.",
            "state_unreadable",
        ) from error
    sort = Sort(state.max_age, state.min_hits, state.iou_threshold)
    sort.next_id, sort.frame_count = state.next_id, state.frame_count
    sort.tracks = [_restored(track) for track in state.tracks]
    return sort, state.last_frame


def _restored(track: _Track) -> Track:
    box_filter = BoxFilter.restore(np.array(track.mean), np.array(track.covariance))
    return Track(track.id, box_filter, track.hit_streak, track.time_since_update)
