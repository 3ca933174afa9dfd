"""The manifest of a result: what was done, and what came of it."""

from datetime import datetime

from pydantic import Field

from poseway.jobs import JobId, JobOptions, Record


class SourceStream(Record):
    """A stream of the upload."""

    index: int = Field(description="Index in the file, as `video_stream` and `audio_stream` take.")
    type: str = Field(
        description="`video`, `audio`, `subtitle`, `data`, `attachment` or `unknown`."
    )
    codec: str | None = Field(None, description="FFmpeg's name; null if it cannot be decoded.")
    width: int | None = Field(None, description="Pixels, as stored; null if it is no video.")
    height: int | None = Field(None, description="Pixels, as stored; null if it is no video.")
    channels: int | None = Field(None, description="Channels of sound; null if it is none.")
    sample_rate: int | None = Field(None, description="Samples a second; null if it is no sound.")
    language: str | None = None
    title: str | None = None
    default: bool = Field(False, description="Whether the file flags it as default.")
    cover: bool = Field(False, description="Whether it is a cover picture, not a video.")

    def line(self) -> str:
        """What it is, in a few words."""
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
        description="SHA-256 of the upload, lower-case hex; null if it came in parts."
    )
    codec: str
    width: int = Field(description="Pixels, upright.")
    height: int = Field(description="Pixels, upright.")
    frame_rate: str = Field(
        description="Frames per second, measured: frames over time, as a fraction: 30000/1001."
    )
    time_base: str = Field(description="Seconds per tick of a presentation time, as a fraction.")
    streams: list[SourceStream] = Field(
        default=[], description="All streams of the file; empty in older results."
    )
    video_stream: int | None = Field(
        None, description="Index of the stream that was used; null in older results."
    )
    audio_stream: int | None = Field(
        None, description="Index of the stream whose sound is in video.mp4; null if it is silent."
    )


class ModelInfo(Record):
    """The model and how it was run."""

    name: str
    sha256: str
    engine: str
    device: str
    precision: str


class ResultFile(Record):
    """A file of a result."""

    path: str = Field(
        description="Relative to the result, for example screenshots/frame_000050.jpg"
    )
    bytes: int
    content_type: str


class Manifest(Record):
    """What was done and what came of it; the last object of a result to be written."""

    version: int = 1
    job: JobId
    source: SourceInfo
    options: JobOptions
    model: ModelInfo
    frames: int
    duration_seconds: float
    people: int = Field(description="Most people in one frame: that many there are at least.")
    tracks: int = Field(
        description="Distinct ids: more than people where some come later, or are lost and found."
    )
    segments: int
    seconds: dict[str, float] = Field(
        description="Wall-clock seconds per stage. Stages overlap, so the sum may exceed `total`."
    )
    video_width: int | None = Field(None, description="Pixels of video.mp4; null if not known.")
    video_height: int | None = Field(None, description="Pixels of video.mp4; null if not known.")
    audio_codec: str | None = Field(description="Codec of the sound in video.mp4; null if silent.")
    damaged_packets: int = Field(
        0, description="Places where the upload is damaged, as far as its decoder tells."
    )
    warnings: list[str] = Field(
        default=[], description="What its user should know of the upload, in words."
    )
    cuts: list[float] = Field(
        default=[],
        description="Presentation times in seconds of the frames that are the first after a hard "
        "cut.",
    )
    files: list[ResultFile]
    created_at: datetime
