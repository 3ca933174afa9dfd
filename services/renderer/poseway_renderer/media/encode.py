"""Pictures to H.264, and to JPEG."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.video.frame import PictureType
from numpy.typing import NDArray

from poseway.media.reader import VideoInfo
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace

LOOKAHEAD: Final = "rc-lookahead=10:mbtree=1"
"""What x264's preset superfast is given besides: bits go where later pictures build on them.

That looks like veryfast, in three quarters of its time; see docs/performance.md.
"""

_KEYFRAME_SECONDS: Final = 2
_ENDLESS: Final = 1 << 30  # x264's number for no limit
_JPEG_QUALITY: Final = 90
_PHOTO_QUALITY: Final = 95


class Sink(Protocol):
    """What an MP4 is written to."""

    def write(self, data: bytes, /) -> int:
        """Writes at the current position."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Moves to a position."""

    def tell(self) -> int:
        """The current position."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to encode.

    Attributes:
        preset: x264's trade of speed for size; any but ``ultrafast`` makes the High profile.
        crf: x264's constant quality, 0 to 51.
        threads: Threads that encode; 0 lets x264 choose.
    """

    preset: str = "superfast"
    crf: int = 22
    threads: int = 0


class SegmentEncoder:
    """Encodes consecutive pictures to an MP4 that can be joined to others of its kind.

    H.264 High, 4:2:0, closed groups of pictures, no B-frames: pictures are stored in the order in
    which they are shown, so the end of a segment never leans on the next one.
    """

    def __init__(self, file: Sink, info: VideoInfo, space: ColourSpace, encoding: Encoding) -> None:
        """Begins the file.

        Args:
            file: Must write and seek.
            info: The video that the pictures come from, with the size that they have.
            space: Colours of the pictures.
            encoding: How to encode.
        """
        self._time_base = info.time_base
        self._container = av.open(file, "w", format="mp4", options=mp4_options(info.time_base))
        stream = self._container.add_stream(
            "libx264",
            rate=info.frame_rate,
            options={
                "preset": encoding.preset,
                "crf": str(encoding.crf),
                "profile": "high",
                "bf": "0",
                **({"x264-params": LOOKAHEAD} if encoding.preset == "superfast" else {}),
            },
            time_base=info.time_base,
        )
        context = stream.codec_context
        context.width = info.width + info.width % 2
        context.height = info.height + info.height % 2
        context.pix_fmt = "yuv420p"
        context.color_range = space.range
        context.colorspace = space.matrix
        context.color_primaries = space.primaries
        context.color_trc = space.transfer
        # Keyframes are wanted by time, not by the number of frames.
        context.gop_size = _ENDLESS
        self._most_ticks = _KEYFRAME_SECONDS / info.time_base
        self._key_pts: int | None = None
        context.thread_count = encoding.threads
        # Else the last picture is shown for as long as the average one.
        context.flags |= Flags.frame_duration
        context.sample_aspect_ratio = info.pixel_aspect
        self._stream = stream

    def write(self, canvas: Canvas, pts: int, duration: int) -> None:
        """Encodes the next picture.

        Args:
            canvas: The picture; may be drawn on again afterwards.
            pts: Its presentation time in ticks of the video's time base, above the last one's.
            duration: Ticks that it is shown.
        """
        frame = canvas.frame
        # Even at the end of this frame, the last keyframe must not be too long ago.
        key = self._key_pts is None or pts + duration - self._key_pts > self._most_ticks
        if key:
            self._key_pts = pts
        frame.pict_type = PictureType.I if key else PictureType.NONE
        frame.pts = pts
        frame.duration = duration
        frame.time_base = self._time_base
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Encodes what is left and completes the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def mp4_options(time_base: Fraction) -> dict[str, str]:
    """Options of the MP4 muxer that keep presentation times exact.

    An MP4 states where its first picture stands in a time base of the whole file, milliseconds
    unless told otherwise.
    """
    return {"movie_timescale": str(time_base.denominator)}


def jpeg(picture: NDArray[np.uint8], *, photo: bool = False) -> bytes:
    """A picture, uint8 (height, width, 3), blue first, as a JPEG; a photo as a better one."""
    quality = _PHOTO_QUALITY if photo else _JPEG_QUALITY
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("OpenCV cannot encode the picture")
    return data.tobytes()
