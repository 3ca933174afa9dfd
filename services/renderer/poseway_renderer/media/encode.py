"""Encodes frames as H.264 and images as JPEG."""

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
"""x264 options added to the preset superfast: they spend bits where later frames reuse them.

The quality is that of veryfast in three quarters of its time; see docs/performance.md.
"""

_KEYFRAME_SECONDS: Final = 2
_INFINITE: Final = 1 << 30  # x264's value of "infinite"
_JPEG_QUALITY: Final = 90
_PHOTO_QUALITY: Final = 95


class Sink(Protocol):
    """A file that an MP4 is written to."""

    def write(self, data: bytes, /) -> int:
        """Writes at the current position."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Moves to a position."""

    def tell(self) -> int:
        """Returns the current position."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to encode.

    Attributes:
        preset: x264 preset; all but ``ultrafast`` produce the High profile.
        crf: x264 CRF, 0 to 51.
        threads: Encoding threads; 0 lets x264 choose.
    """

    preset: str = "superfast"
    crf: int = 22
    threads: int = 0


class SegmentEncoder:
    """Encodes consecutive frames to an MP4 that can be joined with others of its kind.

    H.264 High, 4:2:0, closed groups of pictures, no B-frames. Frames are stored in presentation
    order, so the end of a segment never depends on the next segment.
    """

    def __init__(self, file: Sink, info: VideoInfo, space: ColourSpace, encoding: Encoding) -> None:
        """Starts the file.

        Args:
            file: Destination.
            info: Properties of the source video, with the frame size of the result.
            space: Colours of the frames.
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
        # `write` places keyframes by time; x264 would count frames.
        context.gop_size = _INFINITE
        self._most_ticks = _KEYFRAME_SECONDS / info.time_base
        self._key_pts: int | None = None
        context.thread_count = encoding.threads
        # Otherwise the last frame gets the average duration.
        context.flags |= Flags.frame_duration
        context.sample_aspect_ratio = info.pixel_aspect
        self._stream = stream

    def write(self, canvas: Canvas, pts: int, duration: int) -> None:
        """Encodes the next frame.

        Args:
            canvas: The frame; may be drawn on again afterwards.
            pts: Presentation time in ticks of the video's time base, above the preceding one.
            duration: Ticks for which the frame is shown.
        """
        frame = canvas.frame
        # Up to the end of this frame, the last keyframe must not be too old.
        key = self._key_pts is None or pts + duration - self._key_pts > self._most_ticks
        if key:
            self._key_pts = pts
        frame.pict_type = PictureType.I if key else PictureType.NONE
        frame.pts = pts
        frame.duration = duration
        frame.time_base = self._time_base
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Flushes the encoder and completes the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def mp4_options(time_base: Fraction) -> dict[str, str]:
    """Returns options of the MP4 muxer that keep presentation times exact.

    An edit list states the first presentation time in the movie's time base, which is milliseconds
    by default.
    """
    return {"movie_timescale": str(time_base.denominator)}


def jpeg(picture: NDArray[np.uint8], *, photo: bool = False) -> bytes:
    """Encodes an image, uint8 (height, width, 3) in BGR order; a photo with higher quality."""
    quality = _PHOTO_QUALITY if photo else _JPEG_QUALITY
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("OpenCV cannot encode the image")
    return data.tobytes()
