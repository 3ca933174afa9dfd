"""How an upload is read, where its user said so."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reading:
    """What the user said about the upload; None leaves it to the reader.

    Attributes:
        video_stream: Index in the file of the video stream to read.
        audio_stream: Index in the file of the audio stream to keep.
        assume_frame_rate: Frames per second of a file that has no times.
    """

    video_stream: int | None = None
    audio_stream: int | None = None
    assume_frame_rate: float | None = None


AS_FOUND: Final = Reading()
"""Nothing said: the reader decides."""
