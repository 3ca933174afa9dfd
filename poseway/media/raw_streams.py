"""Videos whose file has no times: pictures one after the other, at a rate that somebody tells.

Such a file is always read from its front: FFmpeg only guesses where in it to go on.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av

if TYPE_CHECKING:
    from poseway.isolation.files import SeekableFile

FORMATS: Final = "h264,hevc,mpegvideo,m4v,obu,av1,mjpeg"
"""FFmpeg's names."""

DEFAULT_RATE: Final = Fraction(25)
"""Frames per second where neither the stream nor its user says."""

# What a stream says of itself is taken for damage beyond these.
_LEAST, _MOST = Fraction(1), Fraction(1000)
# MPEG-4 may tell ticks instead of frames per second: more than this are none of frames.
_MOST_MPEG4: Final = Fraction(120)
_FINEST: Final = 1001
_Y4M: Final = "yuv4mpegpipe"
_Y4M_HEAD: Final = 256
_Y4M_RATE: Final = re.compile(rb"YUV4MPEG2[^\n]* F(?!0+:|\d+:0+\b)\d+:\d+")


class Timing(StrEnum):
    """Where the times of frames come from."""

    FILE = "file"
    """The file has them."""
    STREAM = "stream"
    """It has none, and its stream tells the rate."""
    USER = "user"
    """It has none, and its user tells the rate."""
    ASSUMED = "assumed"
    """It has none, and nobody tells the rate."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The times of the frames of a file that has none.

    Attributes:
        rate: Frames per second.
        timing: Who says so.
    """

    rate: Fraction
    timing: Timing

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick: a whole part of a second, and of the time of a frame."""
        return Fraction(1, self.rate.numerator)

    @property
    def ticks(self) -> int:
        """Ticks per frame."""
        return self.rate.denominator


def clock(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    file: "SeekableFile",
    assumed: float | None,
) -> Clock | None:
    """The clock of a file that has no times; None if it has.

    Args:
        container: The upload, open.
        stream: The video stream in it.
        file: The upload.
        assumed: Frames per second as its user says, who is believed more than the stream: cameras
            write rates that are not theirs.
    """
    name = container.format.name
    if name not in FORMATS.split(",") and not (name == _Y4M and _lacks_rate(file)):
        return None
    if assumed is not None:
        return Clock(_near(assumed), Timing.USER)
    # FFmpeg's average rate is the one that its demuxer takes for want of another.
    told = stream.codec_context.framerate
    if told and _LEAST <= told <= (_MOST_MPEG4 if name == "m4v" else _MOST):
        return Clock(Fraction(told), Timing.STREAM)
    return Clock(DEFAULT_RATE, Timing.ASSUMED)


def _lacks_rate(file: "SeekableFile") -> bool:
    """Whether a YUV4MPEG2 tells no rate in its head."""
    position = file.tell()
    file.seek(0)
    head = file.read(_Y4M_HEAD)
    file.seek(position)
    return not _Y4M_RATE.match(head)


def _near(rate: float) -> Fraction:
    """A fraction of small numbers."""
    if rate < 1:
        return 1 / Fraction(1 / rate).limit_denominator(_FINEST)
    return Fraction(rate).limit_denominator(_FINEST)
