"""Settings of the tracker."""

from enum import StrEnum

from pydantic import Field

from poseway.settings import ServerSettings


class Method(StrEnum):
    """How people are tracked."""

    DEFAULT = "default"
    SORT = "sort"


class TrackerSettings(ServerSettings):
    """Settings of the tracker; they hold for jobs that begin, a job that goes on keeps its own."""

    tracker: Method = Field(
        Method.DEFAULT, description="default, or sort: the published SORT on boxes around people."
    )
    track_max_age_seconds: float = Field(
        1.0,
        ge=0,
        le=60,
        description="Seconds that a person may be unseen and keep the id.",
    )
    # Poses gain and lose arms and legs from frame to frame, so their boxes overlap less than a
    # detector's, for which 0.3 is usual.
    track_iou_threshold: float = Field(
        0.2, gt=0, le=1, description="For sort: least overlap with where a person is expected."
    )
