"""Trackers: which person is which from frame to frame. `TRACKERS` lists them all."""

from typing import Any, Final

from poseway_tracker.trackers.kind import TrackerKind
from poseway_tracker.trackers.pose_tracker import PoseTracker
from poseway_tracker.trackers.pose_tracker_state import PoseTrackerRecord
from poseway_tracker.trackers.sort import Sort
from poseway_tracker.trackers.sort_state import SortRecord

_MAX_AGE_OF_BOXES: Final = 1.0
"""Seconds for which the default tracker remembers a box that is not detected."""

TRACKERS: Final[dict[str, TrackerKind[Any]]] = {
    "sort": TrackerKind(
        tracker=Sort,
        record=SortRecord,
        # A visible person must be drawn at once. With `min_hits` above 0, SORT would hide the first
        # frames of everyone who enters or returns.
        begin=lambda options: Sort(options.max_age, 0, options.iou_threshold),
        begin_boxes=lambda _: Sort(),  # as published
        counts_frames=True,
    ),
    "default": TrackerKind(
        tracker=PoseTracker,
        record=PoseTrackerRecord,
        begin=lambda options: PoseTracker(options.max_age),
        begin_boxes=lambda thresholds: PoseTracker(_MAX_AGE_OF_BOXES, thresholds),
    ),
}
"""Every tracker, by the name that `POSEWAY_TRACKER` and ``--tracker`` take."""
