"""SORT: simple online and realtime tracking (Bewley et al. 2016, arXiv:1602.00763)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseway_tracker.trackers.assignment import match
from poseway_tracker.trackers.base import Detections, Tracked
from poseway_tracker.trackers.boxes import Boxes, iou, measure, unmeasure
from poseway_tracker.trackers.clock import REFERENCE_RATE, FrameTime
from poseway_tracker.trackers.kalman import BoxFilter


@dataclass(slots=True)
class Track:
    """One object and its motion.

    Attributes:
        id: Identity, from 1.
        filter: Estimates where the object is now.
        seen: Time of the last sighting, in seconds.
        hit_streak: Consecutive frames with a sighting, not counting the one that began the track.
        found: Whether the object was found in the last frame.
    """

    id: int
    filter: BoxFilter
    seen: float
    hit_streak: int = 0
    found: bool = True

    def predict(self, seconds: float) -> None:
        """Moves the filter forward by the time since the previous frame."""
        self.filter.predict(seconds * REFERENCE_RATE)
        if not self.found:
            self.hit_streak = 0
        self.found = False

    def update(self, measurement: NDArray[np.float64], time: float) -> None:
        """Updates the track with a sighting: its measurement, float64 (4,), and its time."""
        self.filter.update(measurement)
        self.hit_streak += 1
        self.seen = time
        self.found = True


class Sort:
    """Tracks the boxes of one video with the published algorithm and defaults.

    Attributes:
        max_age: Seconds for which a track is kept without a sighting.
        min_hits: Consecutive sightings, after the first, before a track is shown. In the first
            `min_hits` frames of a video every track is shown.
        iou_threshold: Minimum overlap of a detection with a track's expected box.
        tracks: The tracks that are kept.
        next_id: Id of the next track.
        frame_count: Frames so far.
        time: Time of the last frame, in seconds; None before the first.
    """

    def __init__(
        self,
        max_age: float = 1 / REFERENCE_RATE,
        min_hits: int = 3,
        iou_threshold: float = 0.3,
    ) -> None:
        self.max_age = max_age
        self.min_hits = min_hits
        self.iou_threshold = iou_threshold
        self.tracks: list[Track] = []
        self.next_id = 1
        self.frame_count = 0
        self.time: float | None = None

    def segment(
        self, frames: Sequence[Detections], frame_times: Sequence[FrameTime]
    ) -> list[Tracked]:
        """Tracks consecutive frames; see `Tracker.segment`."""
        for frame in frames:
            frame.check()
        return [self.update(*pair) for pair in zip(frames, frame_times, strict=True)]

    def update(self, detections: Detections, frame_time: FrameTime) -> Tracked:
        """Tracks one frame. Frames without detections must not be left out.

        Args:
            detections: The detections of the frame; only their boxes are used.
            frame_time: The time of the frame. At a cut all tracks are dropped.

        Raises:
            InvalidRequestError: A detection is invalid; the tracker has not changed.
        """
        detections.check()
        boxes = detections.boxes
        self.frame_count += 1
        if self.time is not None:
            self._advance(frame_time, frame_time.time - self.time)
        self.time = frame_time.time
        found = self._find(boxes, frame_time.time)
        self.tracks = [track for track in self.tracks if self._is_kept(track, frame_time, 0.0)]
        ids = [track.id if self._is_shown(track) else 0 for track in found]
        return Tracked(np.array(ids, np.int64), _boxes_of(found))

    def _advance(self, frame_time: FrameTime, seconds: float) -> None:
        # The published code drops expired tracks at the end of the frame before.
        self.tracks = [
            track
            for track in self.tracks
            if not frame_time.cut and self._is_kept(track, frame_time, frame_time.interval)
        ]
        for track in self.tracks:
            track.predict(seconds)

    def _is_kept(self, track: Track, frame_time: FrameTime, grace: float) -> bool:
        return frame_time.within(frame_time.time - track.seen - grace, self.max_age)

    def _find(self, boxes: Boxes, time: float) -> list[Track]:
        """Returns the track of each detection, a new one if none matches."""
        measurements = measure(boxes)
        pairs = match(iou(boxes, _boxes_of(self.tracks)), self.iou_threshold)
        track_of = {detection: self.tracks[index] for detection, index in pairs}
        for detection, track in track_of.items():
            track.update(measurements[detection], time)
        return [
            track_of.get(detection) or self._begin(measurement, time)
            for detection, measurement in enumerate(measurements)
        ]

    def _begin(self, measurement: NDArray[np.float64], time: float) -> Track:
        track = Track(self.next_id, BoxFilter(measurement), time)
        self.tracks.append(track)
        self.next_id += 1
        return track

    def _is_shown(self, track: Track) -> bool:
        return track.hit_streak >= self.min_hits or self.frame_count <= self.min_hits


def _boxes_of(tracks: list[Track]) -> Boxes:
    states = np.array([track.filter.mean[:4] for track in tracks])
    return unmeasure(states.reshape(-1, 4))
