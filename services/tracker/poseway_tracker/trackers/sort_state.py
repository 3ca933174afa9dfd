"""The saved form of SORT."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from poseway_tracker.trackers.filter_state import (
    Count,
    FilterRecord,
    Record,
    Seconds,
    Time,
    TrackId,
    check_ids,
)
from poseway_tracker.trackers.kind import TrackerRecord
from poseway_tracker.trackers.sort import Sort, Track


class TrackRecord(Record):
    """A `Track`; its attributes are described there."""

    id: TrackId
    seen: Time
    hit_streak: Count
    found: bool
    filter: FilterRecord

    @classmethod
    def of(cls, track: Track) -> "TrackRecord":
        """Records a track."""
        return cls.model_construct(
            id=track.id,
            seen=track.seen,
            hit_streak=track.hit_streak,
            found=track.found,
            filter=FilterRecord.of(track.filter.mean, track.filter.covariance),
        )

    def restore(self) -> Track:
        """Returns the track."""
        return Track(self.id, self.filter.restore(), self.seen, self.hit_streak, self.found)


class SortRecord(TrackerRecord[Sort]):
    """A `Sort`; its attributes are described there."""

    kind: Literal["sort"] = "sort"
    max_age: Seconds
    min_hits: Count
    iou_threshold: Annotated[float, Field(gt=0, le=1)]
    next_id: TrackId
    frame_count: Count
    time: Time | None
    tracks: list[TrackRecord]

    @model_validator(mode="after")
    def _ids_are_possible(self) -> Self:
        check_ids((track.id for track in self.tracks), self.next_id)
        return self

    @classmethod
    def of(cls, tracker: Sort) -> "SortRecord":
        """Records everything that a tracker remembers."""
        return cls.model_construct(
            max_age=tracker.max_age,
            min_hits=tracker.min_hits,
            iou_threshold=tracker.iou_threshold,
            next_id=tracker.next_id,
            frame_count=tracker.frame_count,
            time=tracker.time,
            tracks=[TrackRecord.of(track) for track in tracker.tracks],
        )

    def restore(self) -> Sort:
        """Returns a tracker that continues exactly where the recorded one stopped."""
        sort = Sort(self.max_age, self.min_hits, self.iou_threshold)
        sort.next_id, sort.frame_count, sort.time = self.next_id, self.frame_count, self.time
        sort.tracks = [track.restore() for track in self.tracks]
        return sort
