"""What was asked of a job, its status, and how the API shows it."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field

from poseway.errors import FAILURES
from poseway.jobs.base import JobId, Record
from poseway.jobs.options import JobOptions


class JobState(StrEnum):
    """State of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether the state is final."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class JobRequest(Record):
    """A job as it was submitted; the api writes it once."""

    id: JobId
    name: str = Field(description="Name of the uploaded file.")
    size: int = Field(ge=0, description="Size of the upload in bytes.")
    sha256: str | None = Field(
        description="SHA-256 of the upload in lower-case hex; null for a multipart upload."
    )
    created_at: datetime
    options: JobOptions
    owner: str = Field(
        "", description="Id of the API key that owns the job; empty if the gateway needs no keys."
    )
    webhook_url: str | None = Field(None, description="URL to notify when the job ends.")


class JobError(Record):
    """Why a job failed."""

    code: str = Field(description=f"Stable code for programs, one of: {', '.join(FAILURES)}.")
    message: str = Field(description="What went wrong and what to do about it, for the user.")


class Progress(Record):
    """Progress of a job; for a finished job, how far it got."""

    fraction: float = Field(0.0, ge=0, le=1, description="Fraction of the work done, 0 to 1.")
    frames_done: int = Field(0, ge=0, description="Frames in which people have been detected.")
    frames_total: int | None = Field(
        None,
        description="Frames in the video: an estimate until the job has succeeded, null if there "
        "is no estimate.",
    )
    eta_seconds: float | None = Field(
        None,
        description="Estimated seconds left; null if unknown, and if the job failed or was "
        "cancelled.",
    )


class JobStatus(Record):
    """Status of a job; only the dispatcher that has its lease writes it."""

    state: JobState = JobState.QUEUED
    progress: Progress = Progress()
    attempts: int = Field(0, description="Attempts since the last checkpoint.")
    restarts: int = Field(
        0,
        description="Times the job started over because no service could read its checkpoints.",
    )
    holder: str | None = Field(
        None, description="Dispatcher that has the lease of the job; null if none has."
    )
    updated_at: datetime | None = Field(None, description="When the dispatcher last wrote this.")
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: JobError | None = None

    def ended(
        self, state: JobState, *, frames: int | None = None, error: JobError | None = None
    ) -> Self:
        """Returns this status in a final state, with the progress that belongs to that state.

        Every final status is made here, so that state and progress always agree.

        Args:
            state: The final state.
            frames: Frames in the result of a job that succeeded; None if unknown.
            error: Why the job failed; None keeps the error of this status.
        """
        progress = self.progress
        if state is JobState.SUCCEEDED:
            if frames is None:
                frames = max(progress.frames_done, progress.frames_total or 0)
            progress = Progress(
                fraction=1.0, frames_done=frames, frames_total=frames, eta_seconds=0.0
            )
        else:
            progress = progress.model_copy(update={"eta_seconds": None})
        changes = {"state": state, "progress": progress, "error": error or self.error}
        return self.model_copy(update=changes)


class TimeSpan(Record):
    """Start and end of a part of a video, in seconds from the start of the whole."""

    start: float
    end: float


class Job(Record):
    """A job as the API shows it."""

    id: JobId
    name: str
    size: int
    state: JobState
    progress: Progress
    options: JobOptions
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: JobError | None
    links: dict[str, str] = Field(
        description="Paths of everything that can be fetched about the job now, by name."
    )
