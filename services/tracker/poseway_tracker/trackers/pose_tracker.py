"""The default tracker: SORT with keypoint similarity and a memory for people who are hidden.

It extends the published SORT in four ways, listed in the order in which a frame meets them:

1. Certain detections are matched with expected positions by the mean of box overlap and object
   keypoint similarity.
2. Uncertain detections are matched with people seen a moment ago: people who are half hidden have
   low scores, while false detections have no person near them (ByteTrack, Zhang et al. 2022,
   arXiv:2110.06864).
3. Certain detections that are left over are matched by the overlap of widened boxes, around
   expected and last seen positions (C-BIoU, Yang et al. 2023, arXiv:2211.14317).
4. When a person is found again, the motion during the gap is estimated again along a straight line
   (OC-SORT, Cao et al. 2023, arXiv:2203.14360, section 4.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseway_tracker.trackers.assignment import match
from poseway_tracker.trackers.base import Detections, Poses, Tracked
from poseway_tracker.trackers.boxes import Boxes, iou, unmeasure
from poseway_tracker.trackers.clock import FrameTime
from poseway_tracker.trackers.person import Person
from poseway_tracker.trackers.similarity import oks, widened
from poseway_tracker.trackers.thresholds import POSES, Thresholds

_CONFIRM_SECONDS: Final = 0.1
"""A person found for this long is confirmed; false detections rarely last."""

_RECENT_SECONDS: Final = 0.2
"""Uncertain detections match only people who were seen within this time."""


@dataclass(slots=True)
class PoseTracker:
    """Tracks the people, or the boxes, of one video.

    Attributes:
        max_age: Seconds for which a person who is not seen keeps the id.
        thresholds: Minimum scores and similarities of each round of matching.
        people: The people who are remembered.
        next_id: Id of the next person who is confirmed.
        time: Time of the last frame, in seconds; None before the first.
    """

    max_age: float
    thresholds: Thresholds = POSES
    people: list[Person] = field(default_factory=list)
    next_id: int = 1
    time: float | None = None

    def segment(
        self, frames: Sequence[Detections], frame_times: Sequence[FrameTime]
    ) -> list[Tracked]:
        """Tracks consecutive frames, including those without detections.

        A person who is confirmed has the id in every frame of this segment. Anyone present in the
        last frame is confirmed, because the next segment would be too late.

        Args:
            frames: The detections of each frame.
            frame_times: The time of each frame. At a cut all people are forgotten.

        Raises:
            InvalidRequestError: A detection is invalid; the tracker has not changed.
        """
        for frame in frames:
            frame.check()
        found = [self._update(*pair) for pair in zip(frames, frame_times, strict=True)]
        for sighting in found[-1] if found else []:
            if sighting is not None and not sighting.person.id:
                self._confirm(sighting.person)
        return [_tracked(people, frame) for people, frame in zip(found, frames, strict=True)]

    def _update(self, detections: Detections, frame_time: FrameTime) -> "list[_Sighting | None]":
        """Tracks one frame; returns the sighting of each detection, None for no person."""
        self._advance(frame_time)
        frame = _Matching(detections, self.people, frame_time)
        similarity = frame.similarity()
        certain = detections.scores >= self.thresholds.high_score
        limits = self.thresholds
        all_people = np.ones(len(self.people), bool)
        frame.match(certain, all_people, similarity, limits.overlap)
        frame.match(~certain, self._recent(frame_time), similarity, limits.uncertain_overlap)
        if frame.is_open(certain):
            wide = frame.wide_overlap(limits.widening, limits.same_height)
            frame.match(certain, all_people, wide, limits.wide_overlap)
        for index in np.flatnonzero(detections.scores >= limits.new_score).tolist():
            frame.begin(index)
        self.people = [
            person for person in frame.old_and_new() if self._is_kept(person, frame_time)
        ]
        for person in self.people:
            if not person.id and frame_time.reached(person.found, _CONFIRM_SECONDS):
                self._confirm(person)
        return [
            None if person is None else _Sighting(person, person.filter.mean[:4].copy())
            for person in frame.found
        ]

    def _advance(self, frame_time: FrameTime) -> None:
        """Moves people to the time of a frame and forgets those who expired before it."""
        if frame_time.cut:
            self.people = []
        if self.time is not None:
            # Keep those whom a frame just before this one would have kept.
            self.people = [
                p for p in self.people if self._is_kept(p, frame_time, frame_time.interval)
            ]
            for person in self.people:
                person.predict(frame_time.time - self.time)
        self.time = frame_time.time

    def _recent(self, frame_time: FrameTime) -> NDArray[np.bool_]:
        """Which people were seen in the last frame or a moment ago, bool (m,)."""
        recent = [
            person.missed == 1 or frame_time.within(frame_time.time - person.seen, _RECENT_SECONDS)
            for person in self.people
        ]
        return np.array(recent, bool)

    def _confirm(self, person: Person) -> None:
        person.id = self.next_id
        self.next_id += 1

    def _is_kept(self, person: Person, frame_time: FrameTime, grace: float = 0.0) -> bool:
        limit = self.max_age
        # A person without an id must be confirmed soon. Frames that are missing from the video do
        # not shorten that time.
        if not person.id and person.missed:
            limit = min(limit, max(_CONFIRM_SECONDS, frame_time.interval))
        return frame_time.within(frame_time.time - person.seen - grace, limit)


class _Sighting(NamedTuple):
    """A person in a frame, and the filter's measurement of them there, float64 (4,)."""

    person: Person
    measurement: NDArray[np.float64]


def _tracked(people: list[_Sighting | None], detections: Detections) -> Tracked:
    ids = [0 if person is None else person.person.id for person in people]
    boxes = [
        box if person is None else unmeasure(person.measurement[None])[0]
        for box, person in zip(detections.boxes, people, strict=True)
    ]
    return Tracked(np.array(ids, np.int64), np.array(boxes).reshape(-1, 4))


class _Matching:
    """Matches the n detections of a frame with m people, in rounds.

    Attributes:
        found: The person whom each detection was matched with or began.
    """

    def __init__(self, detections: Detections, people: list[Person], frame_time: FrameTime) -> None:
        self._detections = detections
        self._people = people
        self._frame_time = frame_time
        self._expected = _boxes([person.filter.mean[:4] for person in people])
        self.found: list[Person | None] = [None] * len(detections.boxes)
        self._free = np.ones(len(people), bool)
        self._open = np.ones(len(detections.boxes), bool)

    def is_open(self, which: NDArray[np.bool_]) -> bool:
        """Whether any of these detections, bool (n,), and any person are still unmatched."""
        return bool((which & self._open).any() and self._free.any())

    def similarity(self) -> NDArray[np.float64]:
        """Similarity of every detection to every person's expected position, float64 (n, m)."""
        overlap = iou(self._detections.boxes, self._expected)
        if self._detections.keypoints is None or not self._people:
            return overlap
        return _with_poses(overlap, self._detections.keypoints, self._people, self._expected)

    def wide_overlap(self, widening: float, same_height: float) -> NDArray[np.float64]:
        """Overlap of widened boxes with expected or last seen positions, float64 (n, m).

        Pairs whose heights differ too much score 0: people do not come that much closer within one
        frame.
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
        """Runs one round of matching.

        Args:
            detections: bool (n,): the detections that take part.
            people: bool (m,): the people who take part.
            similarity: float64 (n, m), 0..1.
            threshold: Minimum similarity of a match.
        """
        rows = np.flatnonzero(detections & self._open)
        columns = np.flatnonzero(people & self._free)
        for i, j in match(similarity[np.ix_(rows, columns)], threshold):
            detection, index = int(rows[i]), int(columns[j])
            person = self._people[index]
            pose = self._pose(detection)
            person.find(self._detections.boxes[detection], pose, self._frame_time)
            self.found[detection] = person
            self._open[detection] = self._free[index] = False

    def begin(self, detection: int) -> None:
        """Begins a person at a detection, unless it is matched already."""
        if self._open[detection]:
            box = self._detections.boxes[detection]
            self.found[detection] = Person.begin(box, self._pose(detection), self._frame_time)

    def old_and_new(self) -> list[Person]:
        """Returns the people known before, then those who began in this frame."""
        known = set(map(id, self._people))
        return self._people + [p for p in self.found if p is not None and id(p) not in known]

    def _pose(self, detection: int) -> NDArray[np.float64] | None:
        keypoints = self._detections.keypoints
        return None if keypoints is None else keypoints[detection]


def _with_poses(
    overlap: NDArray[np.float64], keypoints: Poses, people: list[Person], expected: Boxes
) -> NDArray[np.float64]:
    """Averages overlap with keypoint similarity where there are keypoints to compare."""
    poses = np.array([person.pose for person in people])
    moved = np.array([person.filter.mean[:2] - person.mean[:2] for person in people])
    poses[..., :2] += moved[:, None]
    sides = expected[:, 2:] - expected[:, :2]
    alike = oks(keypoints, poses, sides[:, 0] * sides[:, 1])
    return np.where(np.isnan(alike), overlap, (overlap + alike) / 2)


def _boxes(means: list[NDArray[np.float64]]) -> Boxes:
    return unmeasure(np.array(means).reshape(-1, 4))
