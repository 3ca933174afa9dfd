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

from services.tracker.boxes import Boxes, iou, measure, unmeasure
from services.tracker.detections import Detections, Poses, Tracked
from services.tracker.kalman import BoxFilter
from services.tracker.match import match
from services.tracker.similarity import oks, widened
from services.tracker.thresholds import POSES, Thresholds

_SURE_SECONDS: Final = 0.1
"""Who is found for so long is a person; ghosts are shorter."""

_SHORT_SECONDS: Final = 0.2
"""Who was seen within this time may be seen again with little certainty."""


_LONGEST_WAY: Final = 600
"""Frames; who was away for longer begins anew instead of having the way back filtered."""


@dataclass(slots=True)
class Person:
    """A person on the way through the video.

    Attributes:
        filter: Where the person is.
        box: float64 (4,): where the person was seen last.
        pose: float64 (18, 3): and how; None where only boxes are known.
        mean: float64 (7,): state of the filter then.
        covariance: float64 (7, 7): and its covariance.
        id: Its identity, from 1; 0 until it is sure that there is somebody.
        hits: Frames in which the person was found.
        missed: Frames since the person was found last.
    """

    filter: BoxFilter
    box: NDArray[np.float64]
    pose: NDArray[np.float64] | None
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    id: int = 0
    hits: int = 1
    missed: int = 0

    @classmethod
    def begin(cls, box: NDArray[np.float64], pose: NDArray[np.float64] | None) -> "Person":
        """Somebody who was not there before."""
        box_filter = BoxFilter(measure(box[None])[0])
        return cls(box_filter, box, pose, box_filter.mean.copy(), box_filter.covariance.copy())

    def predict(self) -> None:
        """Goes on by one frame."""
        if self.missed:
            self.filter.mean[6] = 0.0  # nobody grows unseen for long
        self.filter.predict()
        self.missed += 1

    def find(self, box: NDArray[np.float64], pose: NDArray[np.float64] | None) -> None:
        """Takes in where the person was found, and how."""
        measurement = measure(box[None])[0]
        if self.missed > 1:
            self._retrace(measurement)
        self.filter.update(measurement)
        self.box, self.pose = box, pose
        self.mean, self.covariance = self.filter.mean.copy(), self.filter.covariance.copy()
        self.hits += 1
        self.missed = 0

    def _retrace(self, measurement: NDArray[np.float64]) -> None:
        """Filters the way from the last sighting anew, as if it had been straight."""
        if self.missed > _LONGEST_WAY:
            self.filter = BoxFilter(measurement)
            return
        last = measure(self.box[None])[0]
        self.filter = BoxFilter.restore(self.mean, self.covariance.copy())
        for step in range(1, self.missed):
            self.filter.predict()
            self.filter.update(last + (measurement - last) * (step / self.missed))
        self.filter.predict()


@dataclass(slots=True)
class PeopleTracker:
    """The tracker of one video.

    Attributes:
        thresholds: What fits to whom.
        min_hits: Frames in which somebody must be found to be taken for a person.
        short_age: Frames after which somebody uncertain is not taken for who was there any more.
        max_age: Frames that a person may be unseen and keep the id.
        people: Those who are remembered.
        next_id: Id of the next new person.
    """

    thresholds: Thresholds
    min_hits: int
    short_age: int
    max_age: int
    people: list[Person] = field(default_factory=list)
    next_id: int = 1

    @classmethod
    def begin(
        cls, frame_rate: float, max_age_seconds: float, thresholds: Thresholds = POSES
    ) -> "PeopleTracker":
        """The tracker of a video with so many frames a second."""
        return cls(
            thresholds,
            min_hits=max(1, round(_SURE_SECONDS * frame_rate)),
            short_age=max(1, round(_SHORT_SECONDS * frame_rate)),
            max_age=round(max_age_seconds * frame_rate),
        )

    def segment(self, frames: Sequence[Detections]) -> list[Tracked]:
        """Tracks consecutive frames; those without detections must be among them.

        Somebody who turns out to be a person has the id in all frames of this segment. Who is there
        in the last frame is taken for one: the next segment will tell too late.

        Raises:
            InvalidRequestError: A detection is none; the tracker is as it was before.
        """
        for frame in frames:
            frame.check()
        found = [self._update(frame) for frame in frames]
        for person in found[-1] if found else []:
            if person is not None and not person.person.id:
                self._confirm(person.person)
        return [_tracked(people, frame) for people, frame in zip(found, frames, strict=True)]

    def _update(self, detections: Detections) -> "list[_Sighting | None]":
        """Goes on by one frame; returns who each detection is, None where it is nobody's."""
        for person in self.people:
            person.predict()
        frame = _Frame(detections, self.people)
        similarity = frame.similarity()
        certain = detections.scores >= self.thresholds.high_score
        limits = self.thresholds
        frame.match(certain, frame.present(self.max_age + 1), similarity, limits.overlap)
        recent = frame.present(self.short_age)
        frame.match(~certain, recent, similarity, limits.uncertain_overlap)
        if frame.is_open(certain):
            wide = frame.wide_overlap(limits.widening, limits.same_height)
            frame.match(certain, frame.present(self.max_age + 1), wide, limits.wide_overlap)
        for index in np.flatnonzero(detections.scores >= limits.new_score).tolist():
            frame.begin(index)
        self.people = [person for person in frame.everybody() if self._is_remembered(person)]
        for person in self.people:
            if not person.id and person.hits >= self.min_hits:
                self._confirm(person)
        return [
            None if person is None else _Sighting(person, person.filter.mean[:4].copy())
            for person in frame.found
        ]

    def _confirm(self, person: Person) -> None:
        """Gives somebody an id."""
        person.id = self.next_id
        self.next_id += 1

    def _is_remembered(self, person: Person) -> bool:
        return person.missed <= (self.max_age if person.id else min(self.min_hits, self.max_age))


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

    def __init__(self, detections: Detections, people: list[Person]) -> None:
        self._detections = detections
        self._people = people
        self._expected = _boxes([person.filter.mean[:4] for person in people])
        self.found: list[Person | None] = [None] * len(detections.boxes)
        self._free = np.ones(len(people), bool)
        self._open = np.ones(len(detections.boxes), bool)

    def present(self, age: int) -> NDArray[np.bool_]:
        """Which people were seen at most so many frames ago, bool (m,)."""
        return np.array([person.missed <= age for person in self._people], bool)

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
            person.find(self._detections.boxes[detection], self._pose(detection))
            self.found[detection] = person
            self._open[detection] = self._free[index] = False

    def begin(self, detection: int) -> None:
        """Begins a person with a detection unless it is somebody already."""
        if self._open[detection]:
            box = self._detections.boxes[detection]
            self.found[detection] = Person.begin(box, self._pose(detection))

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
