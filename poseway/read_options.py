"""How to read an upload, as far as the user specified it."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reading:
    """The user's choices for reading an upload; None leaves a choice to the reader.

    Attributes:
        video_stream: Index in the file of the video stream to read.
        audio_stream: Index in the file of the audio stream to keep.
        assume_frame_rate: Frames per second of a file without timestamps.
    """

    video_stream: int | None = None
    audio_stream: int | None = None
    assume_frame_rate: float | None = None


AS_FOUND: Final = Reading()
"""No choices: the reader decides."""
