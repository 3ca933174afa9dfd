"""`manifest.json`: what was done for a job, and the files of its result."""

from datetime import datetime

from pydantic import Field

from poseway.jobs import JobId, JobOptions, Record


class SourceStream(Record):
    """A stream of the upload."""

    index: int = Field(
        description="Index in the file, as used by `video_stream` and `audio_stream`."
    )
    type: str = Field(
        description="`video`, `audio`, `subtitle`, `data`, `attachment` or `unknown`."
    )
    codec: str | None = Field(
        None, description="FFmpeg's name of the codec; null if it cannot be decoded."
    )
    width: int | None = Field(None, description="Stored width in pixels; null without video.")
    height: int | None = Field(None, description="Stored height in pixels; null without video.")
    channels: int | None = Field(None, description="Audio channels; null without audio.")
    sample_rate: int | None = Field(
        None, description="Audio samples per second; null without audio."
    )
    language: str | None = None
    title: str | None = None
    default: bool = Field(False, description="Whether the file marks it as the default stream.")
    cover: bool = Field(False, description="Whether it is a cover picture and not a video.")

    def line(self) -> str:
        """Describes the stream in a few words."""
        facts = [f"{self.index} {'cover' if self.cover else self.type}"]
        if self.type in ("video", "audio"):
            facts.append(self.codec or "unknown codec")
        if self.width is not None:
            facts.append(f"{self.width} x {self.height}")
        if self.channels is not None:
            facts.append(f"{self.channels} channel{'s' if self.channels != 1 else ''}")
        facts += [text for text in (self.language, self.title) if text]
        return ", ".join(facts)


class SourceInfo(Record):
    """The uploaded video."""

    name: str
    size: int
    sha256: str | None = Field(
        description="SHA-256 of the upload in lower-case hex; null for a multipart upload."
    )
    codec: str
    width: int = Field(description="Width of an upright frame in pixels.")
    height: int = Field(description="Height of an upright frame in pixels.")
    frame_rate: str = Field(
        description="Measured frames per second as a fraction, such as 30000/1001."
    )
    time_base: str = Field(description="Seconds per tick of a presentation time, as a fraction.")
    streams: list[SourceStream] = Field(
        default=[], description="All streams of the file; empty in older results."
    )
    video_stream: int | None = Field(
        None, description="Index of the video stream that was used; null in older results."
    )
    audio_stream: int | None = Field(
        None, description="Index of the audio stream that is in video.mp4; null if it is silent."
    )


class ModelInfo(Record):
    """The model, and how it ran."""

    name: str
    sha256: str
    engine: str
    device: str
    precision: str


class ResultFile(Record):
    """A file of a result."""

    path: str = Field(
        description="Path relative to the result, such as screenshots/frame_000050.jpg."
    )
    bytes: int
    content_type: str


class Manifest(Record):
    """Describes a result. It is written last: if it exists, the result is complete."""

    version: int = 1
    job: JobId
    source: SourceInfo
    options: JobOptions
    model: ModelInfo
    frames: int
    duration_seconds: float
    people: int = Field(
        description="Largest number of people in one frame; the video shows at least that many."
    )
    tracks: int = Field(
        description="Distinct track ids; more than `people` if some people come later or return."
    )
    segments: int
    seconds: dict[str, float] = Field(
        description="Wall-clock seconds per stage. Stages overlap, so the sum can exceed `total`."
    )
    video_width: int | None = Field(
        None, description="Width of video.mp4 in pixels; null in older results."
    )
    video_height: int | None = Field(
        None, description="Height of video.mp4 in pixels; null in older results."
    )
    audio_codec: str | None = Field(description="Audio codec of video.mp4; null if it is silent.")
    damaged_packets: int = Field(
        0, description="Damaged packets of the upload that the decoder reported."
    )
    warnings: list[str] = Field(
        default=[], description="Sentences about problems of the upload, for the user."
    )
    cuts: list[float] = Field(
        default=[],
        description="Presentation times, in seconds, of the first frame after each hard cut.",
    )
    files: list[ResultFile]
    created_at: datetime
