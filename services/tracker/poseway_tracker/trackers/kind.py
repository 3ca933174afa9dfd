"""What the registry knows of a tracker: how to begin one, and how to save it."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Self, TypeVar

from poseway_tracker.trackers.base import Tracker
from poseway_tracker.trackers.filter_state import Record
from poseway_tracker.trackers.thresholds import Thresholds

T = TypeVar("T", bound=Tracker)


class TrackerOptions(NamedTuple):
    """What an operator can set for the trackers of people.

    Attributes:
        max_age: Seconds for which a person who is not seen keeps the id.
        iou_threshold: Minimum overlap of a detection with a track's expected box, 0..1.
    """

    max_age: float
    iou_threshold: float


class TrackerRecord(Record, Generic[T]):
    """The saved form of a tracker, as JSON.

    Attributes:
        kind: Tag that tells the records apart. It is part of the format: never change or reuse it.
    """

    kind: str

    @classmethod
    @abstractmethod
    def of(cls, tracker: T) -> Self:
        """Records everything that a tracker remembers."""

    @abstractmethod
    def restore(self) -> T:
        """Returns a tracker that continues exactly where the recorded one stopped."""


@dataclass(frozen=True)
class TrackerKind(Generic[T]):
    """A row of the registry.

    Attributes:
        tracker: The tracker's class.
        record: Its saved form.
        begin: Begins a video of people.
        begin_boxes: Begins a video of a detector's boxes.
        counts_frames: Whether it measures time in frames when it tracks boxes, at any frame rate.
    """

    tracker: type[T]
    record: type[TrackerRecord[T]]
    begin: Callable[[TrackerOptions], T]
    begin_boxes: Callable[[Thresholds], T]
    counts_frames: bool = False

    @property
    def tag(self) -> str:
        """The `kind` of its record."""
        return str(self.record.model_fields["kind"].default)
