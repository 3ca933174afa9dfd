"""Warnings for the user about an uploaded video, written to the manifest."""

from fractions import Fraction
from typing import Final

from poseway.jobs import JobOptions
from poseway.media.raw_streams import Timing
from poseway.media.reader import VideoInfo
from poseway.v1 import renderer_pb2

# Containers round their duration, and audio may outlast the video.
_TRUNCATED_BELOW: Final = Fraction(9, 10)


def timing_warnings(video: VideoInfo, options: JobOptions) -> list[str]:
    """Returns warnings about assumed timestamps and about an option without effect.

    Args:
        video: Properties of the upload.
        options: Options of the job.
    """
    if video.timing is Timing.ASSUMED:
        return [
            f"The file has neither timestamps nor a frame rate; {float(video.frame_rate):g} frames "
            "per second are assumed. If that is wrong, set assume_frame_rate."
        ]
    timed = video.timing is Timing.FILE and not video.is_photo
    if timed and options.assume_frame_rate is not None:
        return ["The file has timestamps, so assume_frame_rate has no effect."]
    return []


def content_warnings(
    video: VideoInfo,
    duration: Fraction,
    damaged: int,
    joined: renderer_pb2.JoinSegmentsResponse,
    reshaped: int = 0,
) -> list[str]:
    """Returns warnings about damaged, truncated or reshaped content.

    Args:
        video: Properties of the upload.
        duration: End of the last decoded frame in seconds.
        damaged: Packets that could not be decoded.
        joined: The renderer's response about the joined video.
        reshaped: Frames whose size or aspect ratio differs from the previous frame's.
    """
    found = []
    if damaged and video.is_photo:
        found.append("The image is damaged or truncated: part of it is missing.")
    elif damaged:
        found.append(f"The video is damaged in {damaged} {'places' if damaged > 1 else 'place'}.")
    if reshaped:
        times = "once" if reshaped == 1 else f"{reshaped} times"
        found.append(
            f"The frame size or aspect ratio changes {times}. Every frame is fitted into the size "
            "of the first, with black bars if its aspect ratio differs."
        )
    if joined.sound_lost:
        found.append("Some or all of the audio is missing: it is damaged or in an unknown format.")
    if video.duration is not None and duration < _TRUNCATED_BELOW * video.duration:
        found.append(
            f"The video ends after {float(duration):.1f} s, but the file declares "
            f"{float(video.duration):.1f} s. If that is not intended, the file is truncated: "
            "upload it again."
        )
    return found
