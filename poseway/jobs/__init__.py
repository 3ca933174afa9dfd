"""Jobs: their options and status, as the API, the services and object storage exchange them."""

from poseway.jobs.base import JobId, Record, new_job_id, now
from poseway.jobs.object_keys import Keys
from poseway.jobs.options import (
    DEFAULT_SCREENSHOT_FRAMES,
    Audio,
    JobOptions,
    OptionGroup,
    Overlay,
    Smoothing,
)
from poseway.jobs.records import (
    Job,
    JobError,
    JobRequest,
    JobState,
    JobStatus,
    Progress,
    TimeSpan,
)

__all__ = [
    "DEFAULT_SCREENSHOT_FRAMES",
    "Audio",
    "Job",
    "JobError",
    "JobId",
    "JobOptions",
    "JobRequest",
    "JobState",
    "JobStatus",
    "Keys",
    "OptionGroup",
    "Overlay",
    "Progress",
    "Record",
    "Smoothing",
    "TimeSpan",
    "new_job_id",
    "now",
]
