"""Reading a video: what it is, and its frames with exact presentation times."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import av.error

from poseway.container import (
    SeekableFile,
    frame_count,
    length,
    open_container,
    picture_stream,
)
from poseway.deinterlace import deinterlaced
from poseway.errors import VideoError
from poseway.frame import SourceFrame
from poseway.limits import raise_if_short
from poseway.photo import is_photo, photo_stream, plain, read_photo
from poseway.raw_streams import Timing, clock
from poseway.reading import AS_FOUND, Reading
from poseway.scale import MAX_CODED_PIXELS
from poseway.shape import Shapes
from poseway.transparency import decoder, opaque

# Where to look for the keyframe before a frame, in seconds before it: an index in decoding order,
# or a keyframe with pictures before it, may lead too far at first.
_SEEK_BACK: Final = (0, 10)
_BEFORE_START: Final = 10
# In a row; then there is nothing more to be had of a file.
_MOST_FAILURES: Final = 100


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video is.

    Attributes:
        codec: FFmpeg's name of the video codec, for example ``h264``.
        width: Pixels of an upright frame.
        height: Pixels of an upright frame.
        time_base: Seconds per tick of a presentation time.
        frame_rate: Average frames per second.
        pixel_aspect: Width of an upright frame's pixels by their height; 1 for nearly all videos.
        frames: Frames as far as the container tells, an estimate at worst; None if it does not.
        duration: Seconds as far as the container tells; None if it does not.
        is_photo: Whether it is no video but a picture: one frame.
        timing: Where the times of its frames come from.
        counted: Whether `frames` is a count in the file's index, and no estimate.
    """

    codec: str
    width: int
    height: int
    time_base: Fraction
    frame_rate: Fraction
    pixel_aspect: Fraction
    frames: int | None
    duration: Fraction | None
    is_photo: bool = False
    timing: Timing = Timing.FILE
    counted: bool = False


class VideoReader:
    """A video in a seekable file.

    Attributes:
        info: What it is.
        container: The open container, for whoever needs its other streams.
        stream: The video stream in it.
        start: Ticks from the container's zero to the start of the video; `SourceFrame.pts` counts
            from there.
        damaged_packets: Packets that could not be decoded so far, or not all of them.
    """

    def __init__(
        self,
        file: SeekableFile,
        threads: int = 0,
        alive: Callable[[], None] = lambda: None,
        reading: Reading = AS_FOUND,
    ) -> None:
        """Opens the video.

        Args:
            file: Must read, seek and tell; only this file is ever read.
            threads: Threads that decode; 0 lets FFmpeg choose.
            alive: Is called for every frame that is decoded.
            reading: What the user said about the file.

        Raises:
            VideoError: This is no video that can be read; the message says why.
        """
        self.damaged_packets = 0
        self._file = file
        self._threads = threads
        self._alive = alive
        self._open()
        photo = is_photo(self.container)
        self._clock = clock(self.container, self.stream, file, reading.assume_frame_rate)
        base, rate = self.stream.time_base, self._rate()
        if base is None or not self.stream.codec_context.width:
            raise VideoError(
                "The file's video stream cannot be decoded. Convert it to MP4 (H.264)."
            )
        origin = 0 if self._clock else self.container.start_time or 0
        self.start = round(Fraction(origin, av.time_base) / base)
        self._photo: av.VideoFrame | None = None
        self._missing = False
        if photo:
            first, self._missing = read_photo(self.container, self.stream)
            self._photo = plain(first)
        else:
            first = self._first_image()
        # AVI knows only the order in which frames are stored, which a decoder delays.
        self._as_stored = self.container.format.name == "avi"
        self._delay = (first.dts or 0) - self.start if self._as_stored else 0
        # Of pictures it is the dots per inch of some printer.
        aspect = None if photo else self.stream.sample_aspect_ratio
        self._shapes = Shapes(first, aspect, self._decoder.sample_aspect_ratio)
        shape = self._shapes.first
        self.info = VideoInfo(
            codec=self.stream.codec_context.name,
            width=shape.size[0],
            height=shape.size[1],
            time_base=self._time_base(),
            frame_rate=rate,
            pixel_aspect=shape.pixel_aspect,
            frames=1 if photo else self._frame_count(),
            duration=None if photo or self._clock else length(self.container, self.stream),
            is_photo=photo,
            timing=self._clock.timing if self._clock else Timing.FILE,
            counted=photo or bool(self.stream.frames),
        )

    def frames(self, index: int = 0, pts: int | None = None) -> Iterator[SourceFrame]:
        """Decodes the frames in presentation order.

        Args:
            index: Index of the first frame to yield.
            pts: Its presentation time, if known: then decoding begins at the keyframe before it
                instead of at the start of the file.

        Raises:
            VideoError: The frame to begin with is not there.
        """
        if index and pts is not None and not self._clock:
            for seconds in _SEEK_BACK:
                self._seek(pts - 1 - round(seconds / self._time_base()))
                frames = self._decode(index, pts)
                first = next(frames, None)
                if first is not None and first.pts == pts and first.previous is not None:
                    yield first
                    yield from frames
                    return
        # No seek point, or none that led to the frame: count from the start.
        self._seek(None)
        for frame in self._decode(0, None):
            if frame.index >= index:
                yield frame

    def close(self) -> None:
        """Lets go of the decoder."""
        self.container.close()

    def _open(self) -> None:
        """Opens the file, to be read from its start."""
        self.container = open_container(self._file)
        if is_photo(self.container):
            self.stream = photo_stream(self.container)
        else:
            self.stream = picture_stream(self.container, self._file)
        self._decoder = decoder(self.stream)
        self._decoder.thread_type = "AUTO"
        self._decoder.thread_count = self._threads
        # Frames may be larger than the first, or than the container says.
        self._decoder.options = {"max_pixels": str(MAX_CODED_PIXELS)}

    def _decode(self, index: int, after: int | None) -> Iterator[SourceFrame]:
        """Decodes from the current position; frames before `after` are dropped uncounted.

        After a seek, pictures that precede the first keyframe lean on ones that were skipped, so
        they count for nothing. Times are made to rise, which those of damaged files do not always.

        Raises:
            VideoError: The times begin again, so that nobody knows when a frame is shown.
        """
        usual = max(1, round(1 / (self._rate() * self._time_base())))
        second = 1 / self._time_base()
        previous: int | None = None
        next_pts = 0
        self._shapes.restart()
        for image, ticks in self._timed():
            pts = next_pts if ticks is None else ticks - self.start - self._delay
            if after is not None and previous is None:
                if ticks is None or pts > after:
                    return
                if not image.key_frame and self._decoder is self.stream.codec_context:
                    continue
            if previous is not None and pts < previous - second:
                raise VideoError(
                    f"After {float(previous * self._time_base()):.1f} s the times of the video "
                    "begin again, as when recordings were put together without converting them. "
                    "Convert it to MP4 (H.264) and upload that.",
                    "timestamps_jump_back",
                )
            before = self._shapes.now
            self._shapes.look(image, self._decoder.sample_aspect_ratio)
            pts = max(pts, 0 if previous is None else previous + 1)
            duration = usual if self._clock else image.duration or usual
            next_pts = pts + duration
            if after is None or pts >= after:
                shown = opaque(image)
                shape = self._shapes.now
                yield SourceFrame(
                    index,
                    pts,
                    duration,
                    shown,
                    shape.orientation,
                    previous,
                    self._shapes.widening,
                    reshaped=previous is not None and shape is not before,
                )
                index += 1
            previous = pts

    def _timed(self) -> Iterator[tuple[av.VideoFrame, int | None]]:
        """Pictures and their ticks; None where there are none, or where one alone is far ahead."""
        second = 1 / self._time_base()
        held: tuple[av.VideoFrame, int | None] | None = None
        before: int | None = None
        for image in deinterlaced(self._images()):
            ticks = image.dts if self._as_stored else image.pts
            if self._clock:
                ticks = None
            if held is not None:
                if _is_stray(before, held[1], ticks, second):
                    self.damaged_packets += 1
                    held = held[0], None
                yield held
                before = held[1] if held[1] is not None else before
            held = image, ticks
        if held is not None:
            yield held

    def _images(self) -> Iterator[av.VideoFrame]:
        """Decodes packet by packet; those that cannot be decoded are counted and passed over."""
        if self._photo:
            self.damaged_packets += self._missing
            yield self._photo
            return
        packets, failures = self.container.demux(self.stream), 0
        while failures < _MOST_FAILURES:
            try:
                packet = next(packets, None)
            # The latter is PyAV's, at the end of a file in which streams began midway.
            except (av.error.EOFError, IndexError):
                return
            except av.error.FFmpegError as error:
                raise_if_short(error)
                self.damaged_packets += 1
                failures += 1
                packets = self.container.demux(self.stream)
                continue
            if packet is None:
                return
            failures = 0
            yield from self._decoded(packet)

    def _decoded(self, packet: "av.Packet[av.VideoStream]") -> Iterator[av.VideoFrame]:
        try:
            for image in self._decoder.decode(packet):
                # Decoders paint over what they cannot read, and say so.
                self.damaged_packets += image.is_corrupt
                self._alive()
                yield image
        except av.error.EOFError:
            pass
        except av.error.FFmpegError as error:  # damage may look like want of a decoder
            raise_if_short(error)
            self.damaged_packets += 1

    def _first_image(self) -> av.VideoFrame:
        for image in self._images():
            return image
        raise VideoError(
            "No frame of the video can be decoded: it is damaged or cut off. Upload the whole "
            "file, or convert it to MP4 (H.264)."
        )

    def _seek(self, pts: int | None) -> None:
        """Goes to the last keyframe at or before `pts`, or to the start."""
        if self._photo:
            return
        if pts is not None:
            self._try_seek(max(0, pts))
            return
        # Not every format finds its first frame at its time, nor takes a time before it.
        early = round(_BEFORE_START / self._time_base())
        if self._clock or not (self._try_seek(-early) or self._try_seek(0)):
            self.container.close()
            self._open()

    def _try_seek(self, pts: int) -> bool:
        try:
            self.container.seek(self.start + pts, stream=self.stream, backward=True)
        except av.error.FFmpegError:
            return False
        self._decoder.flush_buffers()
        return True

    def _frame_count(self) -> int | None:
        return None if self._clock else frame_count(self.container, self.stream, self._rate())

    def _rate(self) -> Fraction:
        if self._clock:
            return self._clock.rate
        return Fraction(self.stream.average_rate or self.stream.guessed_rate or 25)

    def _time_base(self) -> Fraction:
        if self._clock:
            return self._clock.time_base
        return Fraction(self.stream.time_base or Fraction(1, 1000))


def _is_stray(before: int | None, ticks: int | None, after: int | None, second: Fraction) -> bool:
    """Whether ticks are far ahead, while the next go on where the last ones were."""
    if before is None or ticks is None or after is None:
        return False
    return before < after < ticks - second
