"""Raw video streams, whose files store no times: frames follow each other at an assumed rate.

Such files are always read from the start, because FFmpeg can only guess where to seek.
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
"""FFmpeg's names of the demuxers."""

DEFAULT_RATE: Final = Fraction(25)
"""Frames per second if neither the stream nor the user states a rate."""

# Rates that a stream declares outside this range are taken for damage.
_MIN, _MAX = Fraction(1), Fraction(1000)
# MPEG-4 may declare ticks instead of frames; a higher rate cannot be one of frames.
_MAX_MPEG4: Final = Fraction(120)
_FINEST: Final = 1001
_Y4M: Final = "yuv4mpegpipe"
_Y4M_HEAD: Final = 256
_Y4M_RATE: Final = re.compile(rb"YUV4MPEG2[^\n]* F(?!0+:|\d+:0+\b)\d+:\d+")


class Timing(StrEnum):
    """Source of a video's presentation times."""

    FILE = "file"
    """The file stores them."""
    STREAM = "stream"
    """Derived from the rate that the stream declares."""
    USER = "user"
    """Derived from the rate that the user stated."""
    ASSUMED = "assumed"
    """Derived from the default rate."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Presentation times of a file that stores none.

    Attributes:
        rate: Frames per second.
        timing: Where the rate comes from.
    """

    rate: Fraction
    timing: Timing

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick, chosen so that a frame lasts a whole number of ticks."""
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
    """Returns the clock of a file that stores no times; None if it stores them.

    Args:
        container: The open upload.
        stream: The video stream in it.
        file: The upload.
        assumed: Frames per second that the user stated. It overrides the stream, because cameras
            declare wrong rates.
    """
    name = container.format.name
    if name not in FORMATS.split(",") and not (name == _Y4M and _lacks_rate(file)):
        return None
    if assumed is not None:
        return Clock(_near(assumed), Timing.USER)
    # FFmpeg's average rate is only the demuxer's default here.
    declared = stream.codec_context.framerate
    if declared and _MIN <= declared <= (_MAX_MPEG4 if name == "m4v" else _MAX):
        return Clock(Fraction(declared), Timing.STREAM)
    return Clock(DEFAULT_RATE, Timing.ASSUMED)


def _lacks_rate(file: "SeekableFile") -> bool:
    """Whether the header of a YUV4MPEG2 file declares no rate."""
    position = file.tell()
    file.seek(0)
    head = file.read(_Y4M_HEAD)
    file.seek(position)
    return not _Y4M_RATE.match(head)


def _near(rate: float) -> Fraction:
    """Returns a close fraction with small terms."""
    if rate < 1:
        return 1 / Fraction(1 / rate).limit_denominator(_FINEST)
    return Fraction(rate).limit_denominator(_FINEST)
