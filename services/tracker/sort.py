"""SORT: simple online and realtime tracking (Bewley et al. 2016, arXiv:1602.00763)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.tracker.boxes import Boxes, iou, measure, unmeasure
from services.tracker.detections import Detections, Tracked
from services.tracker.kalman import BoxFilter
from services.tracker.match import match


@dataclass(slots=True)
class Track:
    """One object on its way through the video.

    Attributes:
        id: Its identity, from 1.
        filter: Where it is.
        hit_streak: Frames in a row in which it was found, not counting the one that began it.
        time_since_update: Frames since it was found last.
    """

    id: int
    filter: BoxFilter
    hit_streak: int = 0
    time_since_update: int = 0

    def predict(self) -> None:
        """Goes on by one frame."""
        self.filter.predict()
        if self.time_since_update > 0:
            self.hit_streak = 0
        self.time_since_update += 1

    def update(self, measurement: NDArray[np.float64]) -> None:
        """Takes in where it was found, float64 (4,)."""
        self.filter.update(measurement)
        self.hit_streak += 1
        self.time_since_update = 0


class Sort:
    """The tracker of one video.

    Attributes:
        max_age: Frames that a track is kept without being found.
        min_hits: Frames in a row, after its first, in which a track must be found to be shown. In
            the first `min_hits` frames of a video every track is shown.
        iou_threshold: Least overlap of a detection with where its track is expected.
        tracks: Those that are kept.
        next_id: Id of the next new track.
        frame_count: Frames so far.
    """

    def __init__(self, max_age: int = 1, min_hits: int = 3, iou_threshold: float = 0.3) -> None:
        self.max_age = max_age
        self.min_hits = min_hits
        self.iou_threshold = iou_threshold
        self.tracks: list[Track] = []
        self.next_id = 1
        self.frame_count = 0

    def segment(self, frames: Sequence[Detections]) -> list[Tracked]:
        """Tracks consecutive frames; see `update`."""
        for frame in frames:
            frame.check()
        return [self.update(frame) for frame in frames]

    def update(self, detections: Detections) -> Tracked:
        """Goes on by one frame; must be called for frames without detections, too.

        Args:
            detections: What was found; only the boxes count.

        Raises:
            InvalidRequestError: A detection is none; the tracker is as it was before.
        """
        detections.check()
        boxes = detections.boxes
        self.frame_count += 1
        for track in self.tracks:
            track.predict()
        found = self._find(boxes)
        self.tracks = [track for track in self.tracks if track.time_since_update <= self.max_age]
        ids = [track.id if self._is_shown(track) else 0 for track in found]
        return Tracked(np.array(ids, np.int64), _boxes_of(found))

    def _find(self, boxes: Boxes) -> list[Track]:
        """The track of each detection, a new one where none fits."""
        measurements = measure(boxes)
        pairs = match(iou(boxes, _boxes_of(self.tracks)), self.iou_threshold)
        track_of = {detection: self.tracks[index] for detection, index in pairs}
        for detection, track in track_of.items():
            track.update(measurements[detection])
        return [
            track_of.get(detection) or self._begin(measurement)
            for detection, measurement in enumerate(measurements)
        ]

    def _begin(self, measurement: NDArray[np.float64]) -> Track:
        track = Track(self.next_id, BoxFilter(measurement))
        self.tracks.append(track)
        self.next_id += 1
        return track

    def _is_shown(self, track: Track) -> bool:
        return track.hit_streak >= self.min_hits or self.frame_count <= self.min_hits


def _boxes_of(tracks: list[Track]) -> Boxes:
    states = np.array([track.filter.mean[:4] for track in tracks])
    return unmeasure(states.reshape(-1, 4))
