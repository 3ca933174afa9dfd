"""The saved form of the default tracker."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from poseway_tracker.trackers.filter_state import (
    Box,
    Count,
    FilterRecord,
    Pose,
    Record,
    Seconds,
    Share,
    Time,
    TrackId,
    check_ids,
)
from poseway_tracker.trackers.kind import TrackerRecord
from poseway_tracker.trackers.person import Person
from poseway_tracker.trackers.pose_tracker import PoseTracker
from poseway_tracker.trackers.thresholds import Thresholds

_THRESHOLDS = len(Thresholds._fields)


class PersonRecord(Record):
    """A `Person`; its attributes are described there.

    Attributes:
        last: The filter at the last sighting: `Person.mean` and `Person.covariance`.
    """

    id: Count
    seen: Time
    found: Seconds
    missed: Count
    box: Box
    pose: Pose | None
    filter: FilterRecord
    last: FilterRecord

    @model_validator(mode="after")
    def _has_a_box(self) -> Self:
        left, top, right, bottom = self.box
        if not (left < right and top < bottom):
            raise ValueError("a box's right and bottom must be larger than its left and top")
        return self

    @classmethod
    def of(cls, person: Person) -> "PersonRecord":
        """Records a person."""
        return cls.model_construct(
            id=person.id,
            seen=person.seen,
            found=person.found,
            missed=person.missed,
            box=person.box.tolist(),
            pose=None if person.pose is None else person.pose.tolist(),
            filter=FilterRecord.of(person.filter.mean, person.filter.covariance),
            last=FilterRecord.of(person.mean, person.covariance),
        )

    def restore(self) -> Person:
        """Returns the person."""
        return Person(
            self.filter.restore(),
            np.array(self.box),
            None if self.pose is None else np.array(self.pose),
            *self.last.arrays(),
            seen=self.seen,
            found=self.found,
            id=self.id,
            missed=self.missed,
        )


class PoseTrackerRecord(TrackerRecord[PoseTracker]):
    """A `PoseTracker`; its attributes are described there."""

    kind: Literal["people"] = "people"
    thresholds: Annotated[list[Share], Field(min_length=_THRESHOLDS, max_length=_THRESHOLDS)]
    max_age: Seconds
    next_id: TrackId
    time: Time | None
    people: list[PersonRecord]

    @model_validator(mode="after")
    def _people_fit_together(self) -> Self:
        without = sum(person.pose is None for person in self.people)
        if without not in (0, len(self.people)):
            raise ValueError("either all people must have poses, or none")
        check_ids((person.id for person in self.people), self.next_id)
        return self

    @classmethod
    def of(cls, tracker: PoseTracker) -> "PoseTrackerRecord":
        """Records everything that a tracker remembers."""
        return cls.model_construct(
            thresholds=list(tracker.thresholds),
            max_age=tracker.max_age,
            next_id=tracker.next_id,
            time=tracker.time,
            people=[PersonRecord.of(person) for person in tracker.people],
        )

    def restore(self) -> PoseTracker:
        """Returns a tracker that continues exactly where the recorded one stopped."""
        people = [person.restore() for person in self.people]
        thresholds = Thresholds(*self.thresholds)
        return PoseTracker(self.max_age, thresholds, people, self.next_id, self.time)
