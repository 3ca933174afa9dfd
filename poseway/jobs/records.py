"""Jobs: what is asked, how it stands, and where each of its objects is stored."""

import secrets
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from poseway.failures import FAILURES
from poseway.read_options import Reading

DEFAULT_SCREENSHOT_FRAMES: Final = 50
_VIDEO_RESOLUTION: Final = 1080
# One frame costs little, and all players show it.
_PHOTO_RESOLUTION: Final = 2160
_MAX_STREAM: Final = 9999

JobId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


def new_job_id() -> str:
    """Makes a job id: 48 bits of inverted milliseconds, then 80 random bits, in hex.

    Sorted as text, newer ids come first, so an object listing shows the newest jobs first.
    """
    inverted = (1 << 48) - 1 - time.time_ns() // 1_000_000
    return f"{inverted:012x}{secrets.token_hex(10)}"


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


class Record(BaseModel):
    """Base of all records: they do not change, and are read whatever version wrote them."""

    # Unknown fields are ignored, so that a newer version's records can still be read.
    model_config = ConfigDict(extra="ignore", frozen=True)


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class Overlay(StrEnum):
    """What the skeletons are drawn on."""

    VIDEO = "video"
    BLACK = "black"
    BLURRED = "blurred"
    FACES_BLURRED = "faces_blurred"


class Audio(StrEnum):
    """What becomes of the sound of the upload."""

    KEEP = "keep"
    DROP = "drop"


class Smoothing(StrEnum):
    """How much the keypoints are smoothed in time."""

    OFF = "off"
    LIGHT = "light"
    STRONG = "strong"


class JobOptions(Record):
    """What the user may choose."""

    model: str | None = Field(
        None, description="Name of the model that finds the people; the default if not given."
    )
    accurate: bool = Field(
        False,
        description="Look more closely: finds more people, takes several times longer.",
    )
    overlay: Overlay = Field(Overlay.VIDEO, description="What the skeletons are drawn on.")
    smoothing: Smoothing = Field(
        Smoothing.LIGHT,
        description="How much jitter is taken out of the keypoints; the raw ones are always kept.",
    )
    screenshot_frames: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="A screenshot every this many frames; 50 unless screenshot_seconds is given.",
    )
    screenshot_seconds: float | None = Field(
        None, ge=0.01, le=86_400, description="A screenshot every this many seconds."
    )
    max_people: int | None = Field(
        None, ge=1, le=1000, description="Keep this many people per frame, the best; default all."
    )
    ids: bool = Field(True, description="Write its number at each person.")
    scores: bool = Field(False, description="Write how certain it is at each person, in percent.")
    boxes: bool = Field(False, description="Draw a box around each person.")
    trails: bool = Field(False, description="Draw the path of each person in the last second.")
    line_width: float | None = Field(
        None,
        ge=1,
        le=50,
        description="Width of limbs in pixels; by the size of picture and person if not given.",
    )
    crf: int | None = Field(
        None,
        ge=1,
        le=51,
        description="H.264 quality, x264's CRF: 18 looks lossless, 28 is small; 22 if not given.",
    )
    background: bool = Field(
        False,
        description="Also keep the video as it is before the skeletons are drawn, so that the page "
        "can draw them itself and switch people and parts off.",
    )
    max_resolution: int | None = Field(
        None,
        ge=144,
        le=8192,
        # Older versions read no null here, but take their default if there is nothing.
        exclude_if=lambda value: value is None,
        description="Shorter side in pixels beyond which the video that is made is scaled down; "
        f"{_VIDEO_RESOLUTION} for a video, {_PHOTO_RESOLUTION} for a picture if not given.",
    )
    audio: Audio | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="Whether the videos have the upload's sound; if not given, it is kept, but "
        "dropped if the overlay is faces_blurred, since a voice tells who somebody is.",
    )
    video_stream: int | None = Field(
        None,
        ge=0,
        le=_MAX_STREAM,
        exclude_if=lambda value: value is None,
        description="Index of the video stream to use, as in the manifest's `source.streams`; "
        "if not given, the stream that a player would show.",
    )
    audio_stream: int | None = Field(
        None,
        ge=0,
        le=_MAX_STREAM,
        exclude_if=lambda value: value is None,
        description="Index of the audio stream to use, as in the manifest's `source.streams`; "
        "if not given, the stream that a player would play.",
    )
    assume_frame_rate: float | None = Field(
        None,
        gt=0,
        le=1000,
        allow_inf_nan=False,
        exclude_if=lambda value: value is None,
        description="Frames per second of a file that has no times, such as raw H.264 or MJPEG; "
        "if not given, what the stream itself tells, else 25.",
    )

    @property
    def has_background(self) -> bool:
        """Whether the result has a `background`; the page itself can draw on black."""
        return self.background and self.overlay is not Overlay.BLACK

    @property
    def sound(self) -> Audio:
        """What becomes of the sound, chosen or not."""
        if self.audio is not None:
            return self.audio
        return Audio.DROP if self.overlay is Overlay.FACES_BLURRED else Audio.KEEP

    @property
    def reading(self) -> Reading:
        """How the upload is read."""
        return Reading(self.video_stream, self.audio_stream, self.assume_frame_rate)

    def resolution(self, *, photo: bool) -> int:
        """The `max_resolution` of a picture or a video."""
        if self.max_resolution is not None:
            return self.max_resolution
        return _PHOTO_RESOLUTION if photo else _VIDEO_RESOLUTION

    @model_validator(mode="after")
    def _one_interval(self) -> Self:
        if self.screenshot_frames is not None and self.screenshot_seconds is not None:
            raise ValueError("give screenshot_frames or screenshot_seconds, not both")
        return self


class JobRequest(Record):
    """What was asked; written once by the api."""

    id: JobId
    name: str = Field(description="Name of the uploaded file.")
    size: int = Field(ge=0, description="Bytes of the upload.")
    sha256: str | None = Field(
        description="SHA-256 of the upload, lower-case hex; null if it came in parts."
    )
    created_at: datetime
    options: JobOptions
    owner: str = Field(
        "", description="Id of the API key that it belongs to; empty where there are no keys."
    )
    webhook_url: str | None = Field(None, description="Is told when the job ends.")


class JobError(Record):
    """Why a job failed."""

    code: str = Field(description=f"Stable; for programs: {', '.join(FAILURES)}.")
    message: str = Field(description="What went wrong and what to do, for people.")


class Progress(Record):
    """How far a job is, or how far it came."""

    fraction: float = Field(0.0, ge=0, le=1, description="Part of the work done, 0 to 1.")
    frames_done: int = Field(0, ge=0, description="Frames whose people have been found.")
    frames_total: int | None = Field(
        None,
        description="Frames in the video; until the job has succeeded an estimate, null if there "
        "is none.",
    )
    eta_seconds: float | None = Field(
        None,
        description="Estimated time left; null if unknown, and for a job that failed or was "
        "cancelled.",
    )


class JobStatus(Record):
    """How a job stands; written only by the dispatcher that holds it."""

    state: JobState = JobState.QUEUED
    progress: Progress = Progress()
    attempts: int = Field(0, description="Times the job was begun since its last checkpoint.")
    restarts: int = Field(
        0, description="Times it was begun again from the start: its checkpoints fitted nobody."
    )
    holder: str | None = Field(None, description="Who works on the job; null if nobody does.")
    updated_at: datetime | None = Field(None, description="When its holder last wrote this.")
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: JobError | None = None

    def ended(
        self, state: JobState, *, frames: int | None = None, error: JobError | None = None
    ) -> Self:
        """This status in a final state, with the progress that goes with it.

        All final states are made here, so that state and progress always agree.

        Args:
            state: The final state.
            frames: Frames of the result of a job that succeeded; None if they are not known.
            error: Why it failed; None to keep the error that is there.
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


class Stretch(Record):
    """When a part of a video is, in seconds of the whole."""

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
    links: dict[str, str] = Field(description="Paths of what there is to fetch, by name.")


class Keys:
    """Names of a job's objects in the bucket."""

    def __init__(self, job_id: str) -> None:
        self.upload = f"uploads/{job_id}/source"
        self.record = f"jobs/{job_id}/"
        self.request = f"jobs/{job_id}/request.json"
        self.status = f"jobs/{job_id}/status.json"
        self.cancel = f"jobs/{job_id}/cancel"
        """Present as soon as somebody asked for the job to be cancelled."""
        self.segments = f"jobs/{job_id}/segments/"
        self.result = f"results/{job_id}/"
        self.manifest = f"results/{job_id}/manifest.json"
        self.video = f"results/{job_id}/video.mp4"
        self.background = f"results/{job_id}/background.mp4"
        """The video before the skeletons were drawn, where the job asked for it."""
        self.poster = f"results/{job_id}/poster.jpg"
        self.keypoints = f"results/{job_id}/keypoints.jsonl"
        self.tracks = f"results/{job_id}/tracks.json"
        self.contact_sheet = f"results/{job_id}/contact_sheet.jpg"

    def segment(self, number: int, name: str) -> str:
        """Key of an object of segment `number`; they sort in order up to a million segments."""
        return f"{self.segments}{number:06d}/{name}"

    def screenshot(self, frame_index: int) -> str:
        """Key of the screenshot of a frame."""
        return f"{self.result}screenshots/frame_{frame_index:06d}.jpg"

    def still(self, track_id: int) -> str:
        """Key of the best picture of a person."""
        return f"{self.result}stills/person_{track_id:03d}.jpg"

    def segment_still(self, segment: int, track_id: int) -> str:
        """Key of the best picture of a person in one segment."""
        return self.segment(segment, f"stills/person_{track_id:03d}.jpg")
