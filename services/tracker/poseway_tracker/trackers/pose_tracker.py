"""The tracker of people: SORT, with poses and a memory for those who are lost for a while.

What it adds to the published SORT, in the order in which a frame goes through it:

1. Who is certain is matched with where people are expected, by the mean of the overlap of boxes and
   of object keypoint similarity.
2. Who is uncertain is matched with those who were there a moment ago: half hidden people have low
   scores, and ghosts have nobody near (ByteTrack, Zhang et al. 2022, arXiv:2110.06864).
3. Who is left is matched in wider boxes, around where people are expected or were seen last
   (C-BIoU, Yang et al. 2023, arXiv:2211.14317).
4. When a lost person is found again, the motion in between is estimated anew, along the straight
   way (OC-SORT, Cao et al. 2023, arXiv:2203.14360, section 4.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseway_tracker.trackers.assignment import match
from poseway_tracker.trackers.base import Detections, Poses, Tracked
from poseway_tracker.trackers.boxes import Boxes, iou, measure, unmeasure
from poseway_tracker.trackers.clock import REFERENCE_RATE, Moment
from poseway_tracker.trackers.kalman import BoxFilter
from poseway_tracker.trackers.similarity import oks, widened
from poseway_tracker.trackers.thresholds import POSES, Thresholds

_SURE_SECONDS: Final = 0.1
"""Who is found for so long is a person; ghosts are shorter."""

_SHORT_SECONDS: Final = 0.2
"""Who was seen within this time may be seen again with little certainty."""


_LONGEST_WAY: Final = 600
"""Steps; who was away for more frames begins anew instead of having the way back filtered."""


@dataclass(slots=True)
class Person:
    """A person on the way through the video.

    Attributes:
        filter: Where the person is.
        box: float64 (4,): where the person was seen last.
        pose: float64 (18, 3): and how; None where only boxes are known.
        mean: float64 (7,): state of the filter then.
        covariance: float64 (7, 7): and its covariance.
        seen: Time at which the person was found last, in seconds.
        found: Seconds for which the person was found, frame by frame.
        id: Its identity, from 1; 0 until it is sure that there is somebody.
        missed: Frames since the person was found last.
    """

    filter: BoxFilter
    box: NDArray[np.float64]
    pose: NDArray[np.float64] | None
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    seen: float
    found: float
    id: int = 0
    missed: int = 0

    @classmethod
    def begin(
        cls, box: NDArray[np.float64], pose: NDArray[np.float64] | None, moment: Moment
    ) -> "Person":
        """Somebody who was not there before."""
        first = BoxFilter(measure(box[None])[0])
        mean, covariance = first.mean.copy(), first.covariance.copy()
        return cls(first, box, pose, mean, covariance, moment.time, moment.interval)

    def predict(self, seconds: float) -> None:
        """Goes on by the time since the last frame."""
        if self.missed:
            self.filter.mean[6] = 0.0  # nobody grows unseen for long
        self.filter.predict(seconds * REFERENCE_RATE)
        self.missed += 1

    def find(
        self, box: NDArray[np.float64], pose: NDArray[np.float64] | None, moment: Moment
    ) -> None:
        """Takes in where the person was found, and how."""
        measurement = measure(box[None])[0]
        if self.missed > 1:
            self._retrace(measurement, moment.time - self.seen)
        self.filter.update(measurement)
        self.box, self.pose = box, pose
        self.mean, self.covariance = self.filter.mean.copy(), self.filter.covariance.copy()
        self.seen = moment.time
        self.found += moment.interval
        self.missed = 0

    def _retrace(self, measurement: NDArray[np.float64], seconds: float) -> None:
        """Filters the way from the last sighting anew, as if it had been straight and even."""
        if self.missed > _LONGEST_WAY:
            self.filter = BoxFilter(measurement)
            return
        last = measure(self.box[None])[0]
        self.filter = BoxFilter.restore(self.mean, self.covariance.copy())
        frames = seconds / self.missed * REFERENCE_RATE
        for step in range(1, self.missed):
            self.filter.predict(frames)
            self.filter.update(last + (measurement - last) * (step / self.missed))
        self.filter.predict(frames)


@dataclass(slots=True)
class PeopleTracker:
    """The tracker of one video.

    Attributes:
        max_age: Seconds that a person may be unseen and keep the id.
        thresholds: What fits to whom.
        people: Those who are remembered.
        next_id: Id of the next new person.
        time: Time of the last frame, in seconds; None before the first.
    """

    max_age: float
    thresholds: Thresholds = POSES
    people: list[Person] = field(default_factory=list)
    next_id: int = 1
    time: float | None = None

    def segment(self, frames: Sequence[Detections], moments: Sequence[Moment]) -> list[Tracked]:
        """Tracks consecutive frames; those without detections must be among them.

        Somebody who turns out to be a person has the id in all frames of this segment. Anyone who
        is there in its last frame is taken for a person: the next segment would tell too late.

        Args:
            frames: What was found in each frame.
            moments: When each frame is shown. At a cut everybody is forgotten.

        Raises:
            InvalidRequestError: A detection is none; the tracker is as it was before.
        """
        for frame in frames:
            frame.check()
        found = [self._update(*pair) for pair in zip(frames, moments, strict=True)]
        for person in found[-1] if found else []:
            if person is not None and not person.person.id:
                self._confirm(person.person)
        return [_tracked(people, frame) for people, frame in zip(found, frames, strict=True)]

    def _update(self, detections: Detections, moment: Moment) -> "list[_Sighting | None]":
        """Goes on by one frame; returns who each detection is, None where it is nobody's."""
        self._go_on(moment)
        frame = _Frame(detections, self.people, moment)
        similarity = frame.similarity()
        certain = detections.scores >= self.thresholds.high_score
        limits = self.thresholds
        everybody = np.ones(len(self.people), bool)
        frame.match(certain, everybody, similarity, limits.overlap)
        frame.match(~certain, self._recent(moment), similarity, limits.uncertain_overlap)
        if frame.is_open(certain):
            wide = frame.wide_overlap(limits.widening, limits.same_height)
            frame.match(certain, everybody, wide, limits.wide_overlap)
        for index in np.flatnonzero(detections.scores >= limits.new_score).tolist():
            frame.begin(index)
        self.people = [person for person in frame.everybody() if self._is_kept(person, moment)]
        for person in self.people:
            if not person.id and moment.reached(person.found, _SURE_SECONDS):
                self._confirm(person)
        return [
            None if person is None else _Sighting(person, person.filter.mean[:4].copy())
            for person in frame.found
        ]

    def _go_on(self, moment: Moment) -> None:
        """Goes on to the time of a frame, with those who were not forgotten meanwhile."""
        if moment.cut:
            self.people = []
        if self.time is not None:
            # Those who would have been kept if there had been a frame right before this one.
            self.people = [p for p in self.people if self._is_kept(p, moment, moment.interval)]
            for person in self.people:
                person.predict(moment.time - self.time)
        self.time = moment.time

    def _recent(self, moment: Moment) -> NDArray[np.bool_]:
        """Who was seen in the last frame, or a moment ago, bool (m,)."""
        recent = [
            person.missed == 1 or moment.within(moment.time - person.seen, _SHORT_SECONDS)
            for person in self.people
        ]
        return np.array(recent, bool)

    def _confirm(self, person: Person) -> None:
        """Gives somebody an id."""
        person.id = self.next_id
        self.next_id += 1

    def _is_kept(self, person: Person, moment: Moment, grace: float = 0.0) -> bool:
        limit = self.max_age
        # Frames that are missing do not tell that somebody is.
        if not person.id and person.missed:
            limit = min(limit, max(_SURE_SECONDS, moment.interval))
        return moment.within(moment.time - person.seen - grace, limit)


class _Sighting(NamedTuple):
    """Somebody in a frame, and where the filter saw whom there, float64 (4,)."""

    person: Person
    measurement: NDArray[np.float64]


def _tracked(people: list[_Sighting | None], detections: Detections) -> Tracked:
    ids = [0 if person is None else person.person.id for person in people]
    boxes = [
        box if person is None else unmeasure(person.measurement[None])[0]
        for box, person in zip(detections.boxes, people, strict=True)
    ]
    return Tracked(np.array(ids, np.int64), np.array(boxes).reshape(-1, 4))


class _Frame:
    """The detections of a frame on their way to the people they are."""

    def __init__(self, detections: Detections, people: list[Person], moment: Moment) -> None:
        self._detections = detections
        self._people = people
        self._moment = moment
        self._expected = _boxes([person.filter.mean[:4] for person in people])
        self.found: list[Person | None] = [None] * len(detections.boxes)
        self._free = np.ones(len(people), bool)
        self._open = np.ones(len(detections.boxes), bool)

    def is_open(self, which: NDArray[np.bool_]) -> bool:
        """Whether any of these detections, bool (n,), and any person is not matched yet."""
        return bool((which & self._open).any() and self._free.any())

    def similarity(self) -> NDArray[np.float64]:
        """Of every detection with every person where it is expected, float64 (n, m)."""
        overlap = iou(self._detections.boxes, self._expected)
        if self._detections.keypoints is None or not self._people:
            return overlap
        return _with_poses(overlap, self._detections.keypoints, self._people, self._expected)

    def wide_overlap(self, widening: float, same_height: float) -> NDArray[np.float64]:
        """Of widened boxes, where people are expected or were seen last, float64 (n, m).

        0 for heights that differ too much: within a moment nobody comes so much closer.
        """
        found = self._detections.boxes
        last = np.array([person.box for person in self._people]).reshape(-1, 4)
        heights, before = (boxes[:, 3] - boxes[:, 1] for boxes in (found, last))
        ratio = heights[:, None] / before
        wide = widened(found, widening)
        overlap = np.maximum(
            iou(wide, widened(self._expected, widening)), iou(wide, widened(last, widening))
        )
        return np.where(np.minimum(ratio, 1 / ratio) >= same_height, overlap, 0.0)

    def match(
        self,
        detections: NDArray[np.bool_],
        people: NDArray[np.bool_],
        similarity: NDArray[np.float64],
        threshold: float,
    ) -> None:
        """Matches some of the detections, bool (n,), with some of the people, bool (m,)."""
        rows = np.flatnonzero(detections & self._open)
        columns = np.flatnonzero(people & self._free)
        for i, j in match(similarity[np.ix_(rows, columns)], threshold):
            detection, index = int(rows[i]), int(columns[j])
            person = self._people[index]
            pose = self._pose(detection)
            person.find(self._detections.boxes[detection], pose, self._moment)
            self.found[detection] = person
            self._open[detection] = self._free[index] = False

    def begin(self, detection: int) -> None:
        """Begins a person with a detection unless it is somebody already."""
        if self._open[detection]:
            box = self._detections.boxes[detection]
            self.found[detection] = Person.begin(box, self._pose(detection), self._moment)

    def everybody(self) -> list[Person]:
        """Those who were there before, and those who came."""
        known = set(map(id, self._people))
        return self._people + [p for p in self.found if p is not None and id(p) not in known]

    def _pose(self, detection: int) -> NDArray[np.float64] | None:
        keypoints = self._detections.keypoints
        return None if keypoints is None else keypoints[detection]


def _with_poses(
    overlap: NDArray[np.float64], keypoints: Poses, people: list[Person], expected: Boxes
) -> NDArray[np.float64]:
    """The mean of overlap and keypoint similarity, where there are keypoints to compare."""
    poses = np.array([person.pose for person in people])
    moved = np.array([person.filter.mean[:2] - person.mean[:2] for person in people])
    poses[..., :2] += moved[:, None]
    sides = expected[:, 2:] - expected[:, :2]
    alike = oks(keypoints, poses, sides[:, 0] * sides[:, 1])
    return np.where(np.isnan(alike), overlap, (overlap + alike) / 2)


def _boxes(means: list[NDArray[np.float64]]) -> Boxes:
    return unmeasure(np.array(means).reshape(-1, 4))
