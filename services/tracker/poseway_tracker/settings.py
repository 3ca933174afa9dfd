"""Settings of the tracker."""

from typing import Annotated

from pydantic import AfterValidator, Field

from poseway.settings import ServerSettings
from poseway_tracker.trackers import TRACKERS
from poseway_tracker.trackers.kind import TrackerOptions


def _registered(name: str) -> str:
    if name not in TRACKERS:
        raise ValueError(f"there is no tracker {name!r}; choose one of {', '.join(TRACKERS)}")
    return name


class TrackerSettings(ServerSettings):
    """Settings of the tracker. They apply to new jobs; a job that has begun keeps its own."""

    tracker: Annotated[str, AfterValidator(_registered)] = Field(
        "default",
        description=f"The tracker of new jobs, one of: {', '.join(TRACKERS)}. With sort, it is the "
        "published SORT on the boxes around people.",
    )
    track_max_age_seconds: float = Field(
        1.0,
        ge=0,
        le=60,
        description="Seconds for which a person who is not seen keeps the id.",
    )
    # The boxes around poses overlap less from frame to frame than a detector's, because arms and
    # legs come and go. For a detector's boxes 0.3 is usual.
    track_iou_threshold: float = Field(
        0.2,
        gt=0,
        le=1,
        description="Minimum overlap of a detection with a track's expected box; sort only.",
    )

    @property
    def tracker_options(self) -> TrackerOptions:
        """The settings that trackers take."""
        return TrackerOptions(self.track_max_age_seconds, self.track_iou_threshold)
