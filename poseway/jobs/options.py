"""The options of a job.

Each is declared once, here: the API's document, the command's flags and the table in
``docs/api.md`` take names, types, defaults and descriptions from the fields of `JobOptions`.
"""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from poseway.jobs.base import Record
from poseway.read_options import Reading

DEFAULT_SCREENSHOT_FRAMES: Final = 50
_VIDEO_RESOLUTION: Final = 1080
# A single frame costs little to encode, and every viewer shows it.
_IMAGE_RESOLUTION: Final = 2160
_MAX_STREAM: Final = 9999


class Overlay(StrEnum):
    """What the skeletons are drawn on."""

    VIDEO = "video"
    BLACK = "black"
    BLURRED = "blurred"
    FACES_BLURRED = "faces_blurred"


class Audio(StrEnum):
    """Whether the rendered videos keep the sound of the upload."""

    KEEP = "keep"
    DROP = "drop"


class Smoothing(StrEnum):
    """How strongly the keypoints are smoothed over time."""

    OFF = "off"
    LIGHT = "light"
    STRONG = "strong"


class OptionGroup(StrEnum):
    """What an option is about; the command's help has a panel for each group."""

    DETECTION = "Detection"
    RENDERING = "Rendering"
    READING = "Input"


class JobOptions(Record):
    """Options of a job; all of them are optional."""

    model: Annotated[str | None, OptionGroup.DETECTION] = Field(
        None, description="Model that detects the people; the default model if not given."
    )
    accurate: Annotated[bool, OptionGroup.DETECTION] = Field(
        False, description="Detect more people, at several times the processing time."
    )
    overlay: Annotated[Overlay, OptionGroup.RENDERING] = Field(
        Overlay.VIDEO, description="What the skeletons are drawn on."
    )
    smoothing: Annotated[Smoothing, OptionGroup.DETECTION] = Field(
        Smoothing.LIGHT,
        description="How strongly to remove jitter from the keypoints. The raw keypoints are "
        "always kept.",
    )
    screenshot_frames: Annotated[int | None, OptionGroup.DETECTION] = Field(
        None,
        ge=1,
        le=1_000_000,
        description=f"Frames from one screenshot to the next; {DEFAULT_SCREENSHOT_FRAMES} if "
        "neither this nor screenshot_seconds is given.",
    )
    screenshot_seconds: Annotated[float | None, OptionGroup.DETECTION] = Field(
        None,
        ge=0.01,
        le=86_400,
        description="Seconds from one screenshot to the next, in place of screenshot_frames.",
    )
    max_people: Annotated[int | None, OptionGroup.DETECTION] = Field(
        None,
        ge=1,
        le=1000,
        description="Most people to keep per frame, highest scores first; no limit if not given.",
    )
    ids: Annotated[bool, OptionGroup.RENDERING] = Field(
        True, description="Label each person with their track id."
    )
    scores: Annotated[bool, OptionGroup.RENDERING] = Field(
        False, description="Label each person with their score, in percent."
    )
    boxes: Annotated[bool, OptionGroup.RENDERING] = Field(
        False, description="Draw a box around each person."
    )
    trails: Annotated[bool, OptionGroup.RENDERING] = Field(
        False, description="Draw each person's path over the last second."
    )
    line_width: Annotated[float | None, OptionGroup.RENDERING] = Field(
        None,
        ge=1,
        le=50,
        description="Width of limbs in pixels; if not given, it suits the size of the frame and of "
        "each person.",
    )
    crf: Annotated[int | None, OptionGroup.RENDERING] = Field(
        None,
        ge=1,
        le=51,
        description="H.264 quality, x264's CRF: 18 looks lossless, 28 makes small files; 22 if not "
        "given.",
    )
    background: Annotated[bool, OptionGroup.RENDERING] = Field(
        False,
        description="Also keep the video without skeletons, so that the page can draw them itself "
        "and hide people and body parts.",
    )
    max_resolution: Annotated[int | None, OptionGroup.RENDERING] = Field(
        None,
        ge=144,
        le=8192,
        # Older versions reject null here but apply their default if the field is missing.
        exclude_if=lambda value: value is None,
        description="Largest shorter side of the rendered video, in pixels; a larger video is "
        f"scaled down. {_VIDEO_RESOLUTION} for a video and {_IMAGE_RESOLUTION} for an image if not "
        "given.",
    )
    audio: Annotated[Audio | None, OptionGroup.RENDERING] = Field(
        None,
        exclude_if=lambda value: value is None,
        description="Whether the rendered videos keep the sound of the upload. If not given, they "
        "keep it unless the overlay is faces_blurred, because a voice can identify a person.",
    )
    video_stream: Annotated[int | None, OptionGroup.READING] = Field(
        None,
        ge=0,
        le=_MAX_STREAM,
        exclude_if=lambda value: value is None,
        description="Index of the video stream to use, as in the manifest's `source.streams`; "
        "if not given, the stream that a player would show.",
    )
    audio_stream: Annotated[int | None, OptionGroup.READING] = Field(
        None,
        ge=0,
        le=_MAX_STREAM,
        exclude_if=lambda value: value is None,
        description="Index of the audio stream to use, as in the manifest's `source.streams`; "
        "if not given, the stream that a player would play.",
    )
    assume_frame_rate: Annotated[float | None, OptionGroup.READING] = Field(
        None,
        gt=0,
        le=1000,
        allow_inf_nan=False,
        exclude_if=lambda value: value is None,
        description="Frames per second of a file without timestamps, such as raw H.264 or MJPEG; "
        "if not given, the rate that the stream declares, or else 25.",
    )

    @property
    def has_background(self) -> bool:
        """Whether the result has a `background`. Over black it needs none: the page draws that."""
        return self.background and self.overlay is not Overlay.BLACK

    @property
    def sound(self) -> Audio:
        """Whether the rendered videos keep the sound, with the default applied."""
        if self.audio is not None:
            return self.audio
        return Audio.DROP if self.overlay is Overlay.FACES_BLURRED else Audio.KEEP

    @property
    def reading(self) -> Reading:
        """How to read the upload."""
        return Reading(self.video_stream, self.audio_stream, self.assume_frame_rate)

    def resolution(self, *, photo: bool) -> int:
        """Returns `max_resolution` with the default for an image or a video applied."""
        if self.max_resolution is not None:
            return self.max_resolution
        return _IMAGE_RESOLUTION if photo else _VIDEO_RESOLUTION

    @model_validator(mode="after")
    def _one_interval(self) -> Self:
        if self.screenshot_frames is not None and self.screenshot_seconds is not None:
            raise ValueError("give screenshot_frames or screenshot_seconds, not both")
        return self
