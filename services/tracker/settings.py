"""Settings of the tracker."""

from pydantic import Field

from poseway.settings import ServerSettings


class TrackerSettings(ServerSettings):
    """Settings of the tracker; they hold for jobs that begin, a job that goes on keeps its own."""

    track_max_age_seconds: float = Field(
        1.0,
        ge=0,
        le=60,
        description="Time, at the average frame rate, that a person may be unseen and keep the id.",
    )
    # Poses gain and lose arms and legs from frame to frame, so their boxes overlap less than a
    # detector's, for which 0.3 is usual.
    track_iou_threshold: float = Field(
        0.2, gt=0, le=1, description="Least overlap of a person's box with where it is expected."
    )
