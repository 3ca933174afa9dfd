"""Reads a video: its properties, and its frames with exact presentation times."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import av

from poseway.errors import VideoError
from poseway.formats.manifest import SourceStream
from poseway.isolation.files import SeekableFile
from poseway.media.container import length, open_container, whole_length
from poseway.media.deinterlace import deinterlaced
from poseway.media.frame import SourceFrame
from poseway.media.raw_streams import Timing, clock
from poseway.media.shape import ShapeTracker
from poseway.media.still_image import StillImageDecoder, is_still_image
from poseway.media.stream_selection import audio_stream, source_streams, video_stream
from poseway.media.timing import with_durations, without_stray_times
from poseway.media.transparency import flattener
from poseway.media.video_decoder import VideoDecoder
from poseway.read_options import AS_FOUND, Reading

# Seconds before a frame at which to seek for its keyframe. An index in decoding order, or a
# keyframe preceded by frames that are shown earlier, may lead too far at first.
_SEEK_BACK: Final = (0, 10)
# Limit on the ticks for which MP4 can show a frame.
_MAX_TICKS: Final = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Properties of a video.

    Attributes:
        codec: FFmpeg's name of the video codec, for example ``h264``.
        width: Pixels of an upright frame.
        height: Pixels of an upright frame.
        time_base: Seconds per tick of a presentation time.
        frame_rate: Frames per second, measured at the start of the video.
        pixel_aspect: Width of an upright frame's pixels divided by their height; 1 for nearly all
            videos.
        frames: Number of frames, possibly an estimate; None if unknown.
        duration: Seconds as the container declares them; None if it does not.
        is_photo: Whether the file is a still image, read as one frame.
        streams: All streams of the file.
        video_stream: Index in the file of the stream that is read.
        audio_stream: Index in the file of the audio stream that belongs to it; None if there is no
            decodable one.
        timing: Source of the presentation times.
        counted: Whether `frames` is exact.
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
    streams: tuple[SourceStream, ...] = ()
    video_stream: int = 0
    audio_stream: int | None = None
    timing: Timing = Timing.FILE
    counted: bool = False


class VideoReader:
    """A video in a seekable file.

    Attributes:
        info: Properties of the video.
        start: Ticks from the container's zero to the start of the video, where `SourceFrame.pts` is
            0.
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
            file: The upload; no other file is ever read.
            threads: Decoding threads; 0 lets FFmpeg choose.
            alive: Called for every decoded frame.
            reading: What the user stated about the file.

        Raises:
            VideoError: The file is not a readable video or image. The message says why.
            UnavailableError: Object storage cannot be reached.
        """
        self._decoder = _open_decoder(file, threads, alive, reading)
        probe = self._decoder.probe()
        photo = isinstance(self._decoder, StillImageDecoder)
        self._clock = clock(self.container, self.stream, file, reading.assume_frame_rate)
        if self._clock:
            base, rate, origin = self._clock.time_base, self._clock.rate, Fraction(0)
        else:
            base, rate = Fraction(self.stream.time_base or 0), probe.rate
            origin = Fraction(self.container.start_time or 0, av.time_base)
        self.start = round(origin / base)
        self._is_avi = self.container.format.name == "avi"
        # In still images this is the resolution for printing.
        aspect = None if photo else self.stream.sample_aspect_ratio
        self._shapes = ShapeTracker(probe.image, aspect, self._decoder.pixel_aspect)
        shape = self._shapes.first
        self._flatten = flattener(probe.image, self.stream.codec_context.name)
        audio = audio_stream(self.container, reading, self.stream)
        self.info = VideoInfo(
            codec=self.stream.codec_context.name,
            width=shape.size[0],
            height=shape.size[1],
            time_base=base,
            frame_rate=rate,
            pixel_aspect=shape.pixel_aspect,
            frames=probe.frames,
            duration=None if photo or self._clock else length(self.container, self.stream),
            is_photo=photo,
            streams=source_streams(self.container),
            video_stream=self.stream.index,
            audio_stream=audio.index if audio else None,
            timing=self._clock.timing if self._clock else Timing.FILE,
            counted=probe.frames is not None,
        )
        if probe.frames is None and not self._clock:
            self.info = replace(self.info, frames=_estimate(self.container, self.info))
        self._usual = max(1, round(1 / (rate * base)))
        self._least = 1 if self._clock else probe.least_duration

    @property
    def container(self) -> av.container.InputContainer:
        """The open container. Returning to the start replaces it."""
        return self._decoder.container

    @property
    def stream(self) -> av.VideoStream:
        """The video stream in the container."""
        return self._decoder.stream

    @property
    def damaged_packets(self) -> int:
        """Number of packets so far that could not be decoded completely."""
        return self._decoder.damaged_packets

    def frames(self, index: int = 0, pts: int | None = None) -> Iterator[SourceFrame]:
        """Decodes frames in presentation order.

        Args:
            index: Index of the first frame to yield.
            pts: Its presentation time, if known. Decoding then starts at the preceding keyframe
                instead of the start of the file, if the format allows.

        Yields:
            Frames from `index` to the end of the video.

        Raises:
            VideoError: The presentation times jump back or by hours.
        """
        if index and pts is not None and not self._clock:
            for seconds in _SEEK_BACK:
                before = max(0, pts - 1 - round(seconds / self.info.time_base))
                if not self._decoder.seek(self.start + before):
                    continue
                frames = self._decode(index, pts)
                first = next(frames, None)
                if first is not None and first.pts == pts and first.previous is not None:
                    yield first
                    yield from frames
                    return
        # Without a keyframe that leads to the frame, frames are counted from the start.
        self._decoder.rewind()
        for frame in self._decode(0, None):
            if frame.index >= index:
                yield frame

    def close(self) -> None:
        """Closes the decoder and the container."""
        self._decoder.close()

    def _decode(self, index: int, after: int | None) -> Iterator[SourceFrame]:
        """Decodes from the current position. Frames before `after` are dropped and not counted."""
        return with_durations(
            self._numbered(index, after), self._usual, self._least, self._held_until
        )

    def _numbered(self, index: int, after: int | None) -> Iterator[SourceFrame]:
        """Yields frames with the duration that the container declares, or 0.

        After a seek, frames that precede the first keyframe refer to skipped ones, so they are
        dropped and not counted. Times are forced to rise, because those of damaged files do not
        always.

        Raises:
            VideoError: The times start again or jump by hours, so they no longer say when a frame
                is shown.
        """
        second = 1 / self.info.time_base
        previous: int | None = None
        next_pts = 0
        self._shapes.restart()
        for image, ticks in without_stray_times(self._timed(), second, self._decoder.count_damage):
            pts = next_pts if ticks is None else ticks
            if after is not None and previous is None:
                if ticks is None or pts > after:
                    return
                if not image.key_frame and self._decoder.marks_keyframes:
                    continue
            if previous is not None:
                self._check_times(previous, pts)
            before = self._shapes.now
            self._shapes.update(image, self._decoder.pixel_aspect)
            pts = max(pts, 0 if previous is None else previous + 1)
            declared = self._usual if self._clock else image.duration or 0
            plausible = self._usual <= 2 * declared <= 4 * self._usual
            next_pts = pts + (declared if plausible else self._usual)
            if after is None or pts >= after:
                shown = self._flatten(image)
                shape = self._shapes.now
                yield SourceFrame(
                    index,
                    pts,
                    declared,
                    shown,
                    shape.orientation,
                    previous,
                    self._shapes.widening,
                    reshaped=previous is not None and shape is not before,
                )
                index += 1
            previous = pts

    def _check_times(self, previous: int, pts: int) -> None:
        """Raises VideoError if presentation times start again or jump by hours."""
        base = self.info.time_base
        if pts < previous - 1 / base:
            fault = "start again"
        elif pts - previous > _MAX_TICKS:
            fault = f"jump by {float((pts - previous) * base / 3600):.1f} hours"
        else:
            return
        raise VideoError(
            f"After {float(previous * base):.1f} s the timestamps of the video {fault}, as in "
            "recordings that were joined without conversion. Convert the video to MP4 (H.264) and "
            "upload that.",
            "timestamps_jump_back",
        )

    def _timed(self) -> Iterator[tuple[av.VideoFrame, int | None]]:
        """Yields frames and their presentation times, None if unknown."""
        for image in deinterlaced(self._decoder.images()):
            yield image, self._pts(image)

    def _pts(self, image: av.VideoFrame) -> int | None:
        if self._clock:
            return None
        ticks = self._decoder.avi_times.time(image) if self._is_avi else image.pts
        return None if ticks is None else ticks - self.start

    def _held_until(self) -> int:
        until = self._decoder.held_until
        return 0 if until is None else until - self.start


def _open_decoder(
    file: SeekableFile, threads: int, alive: Callable[[], None], reading: Reading
) -> VideoDecoder | StillImageDecoder:
    """Opens the decoder of a file."""
    container = open_container(file)
    if is_still_image(container):
        return StillImageDecoder(container)
    stream, at_start = video_stream(container, reading)
    decoder = VideoDecoder(file, container, stream, threads, alive)
    if not at_start:
        decoder.rewind()
    return decoder


def _estimate(container: av.container.InputContainer, info: VideoInfo) -> int | None:
    """Estimates the number of frames from the declared duration; None without one."""
    duration = info.duration or whole_length(container)
    return None if duration is None else max(1, round(duration * info.frame_rate))
