"""Renders a segment: draws on consecutive frames, encodes them and keeps screenshots of some."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain

from poseway.errors import IncompatibleError, InvalidRequestError
from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoInfo, VideoReader
from poseway.media.resize import limited
from poseway.read_options import AS_FOUND, Reading
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.composer import Composer
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.drawing.style import Style
from poseway_renderer.media.encode import Encoding, SegmentEncoder, Sink, jpeg
from poseway_renderer.media.prefetch import prefetched
from poseway_renderer.pictures.crops import ImageSink, crop, to_image


@dataclass(frozen=True, slots=True)
class ScreenshotInterval:
    """Which frames become screenshots: at most one attribute is set, none for no screenshots.

    The first frame of the video always becomes one if either is set.

    Attributes:
        frames: Every frame whose index is a multiple of this.
        seconds: The first frame at or after each multiple of this.
    """

    frames: int | None = None
    seconds: Fraction | None = None

    def takes(self, frame: SourceFrame, time_base: Fraction) -> bool:
        """Whether a frame becomes a screenshot.

        Depends only on its own and the preceding presentation time, not on the segment.

        Args:
            frame: The frame.
            time_base: Seconds per tick.
        """
        if self.frames is not None:
            return frame.index % self.frames == 0
        if self.seconds is None:
            return False
        if frame.previous is None:
            return True
        ticks = self.seconds / time_base
        return frame.pts // ticks > frame.previous // ticks


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """What to draw in a segment and which images to keep.

    Attributes:
        style: What is drawn.
        screenshots: Which frames become screenshots.
        stills: Track ids to cut out as stills, by frame index.
        before: Frames right before the segment, in order, that its first frames depend on.
        max_resolution: Shorter side in pixels above which the video is scaled down; 0 for never.
        crf: x264 CRF; None for the default.
        reading: What the user stated about the upload.
    """

    style: Style = field(default_factory=Style)
    screenshots: ScreenshotInterval = field(default_factory=ScreenshotInterval)
    stills: Mapping[int, list[int]] = field(default_factory=dict)
    before: list[PosedFrame] = field(default_factory=list)
    max_resolution: int = 0
    crf: int | None = None
    reading: Reading = AS_FOUND


@dataclass(frozen=True, slots=True)
class RenderedSegment:
    """Properties of a rendered segment.

    Attributes:
        frames: Number of encoded frames.
        screenshots: Indices of the frames that became screenshots.
        width: Pixels of the encoded video.
        height: Pixels of the encoded video.
    """

    frames: int
    screenshots: list[int]
    width: int
    height: int


def render_segment(
    reader: VideoReader,
    posed: Iterable[PosedFrame],
    options: SegmentOptions,
    encoding: Encoding,
    file: Sink,
    images: ImageSink,
    background: Sink | None = None,
) -> RenderedSegment:
    """Renders consecutive frames of a video. Holds one frame at a time.

    Args:
        reader: The video.
        posed: The segment's frames in order; each is drawn as it arrives.
        options: What to draw and to keep.
        encoding: How to encode.
        file: Destination of the segment's MP4.
        images: Receives screenshots and stills.
        background: Destination of an MP4 of the same frames without people; None for none.

    Returns:
        The properties of the segment.

    Raises:
        InvalidRequestError: There are no frames, or the preceding frames or the stills do not match
            them.
        IncompatibleError: The video lacks most of the frames, so it was read in another way.
    """
    info = reader.info
    width, height = limited(info.width, info.height, options.max_resolution)
    scale_x, scale_y = width / info.width, height / info.height
    result = replace(info, width=width, height=height)
    space = ColourSpace.of(reader.stream)
    if options.crf is not None:
        encoding = replace(encoding, crf=options.crf)
    encoder = SegmentEncoder(file, result, space, encoding)
    bare = None if background is None else SegmentEncoder(background, result, space, encoding)
    composer = Composer(width, height, space, info.time_base, options.style)
    composer.observe(frame.scaled(scale_x, scale_y) for frame in options.before)
    capture = _ImageCapture(options, result, images)
    frames = 0
    # Closed on errors, too: decoding must stop before the reader is closed.
    with closing(_matched(reader, _checked(options.before, posed))) as pairs:
        for sent, source in pairs:
            frame = sent if (scale_x, scale_y) == (1, 1) else sent.scaled(scale_x, scale_y)
            canvas = Canvas(width, height, space)
            composer.prepare(canvas, source, frame)
            if bare:
                bare.write(canvas, source.pts, source.duration)
            composer.draw(canvas, frame)
            encoder.write(canvas, source.pts, source.duration)
            capture.take(canvas, source, frame)
            frames += 1
    encoder.finish()
    if bare:
        bare.finish()
    capture.finish()
    return RenderedSegment(frames, capture.screenshots, width + width % 2, height + height % 2)


class _ImageCapture:
    """Takes the screenshots and stills of a segment."""

    def __init__(self, options: SegmentOptions, info: VideoInfo, images: ImageSink) -> None:
        self._interval = options.screenshots
        self._stills = dict(options.stills)
        self._info = info
        self._images = images
        self.screenshots: list[int] = []

    def take(self, canvas: Canvas, source: SourceFrame, frame: PosedFrame) -> None:
        """Takes the images of the next frame, drawn, with people in pixels of the canvas."""
        taken = self._interval.takes(source, self._info.time_base)
        wanted = self._stills.pop(frame.index, [])
        if not taken and not wanted:
            return
        shown = to_image(canvas, self._info.pixel_aspect)
        if taken:
            self._images.screenshot(frame.index, jpeg(shown, photo=self._info.is_photo))
            self.screenshots.append(frame.index)
        rows, columns = canvas.luma.shape
        stretched = frame.scaled(shown.shape[1] / columns, shown.shape[0] / rows)
        people = {person.track_id: person for person in stretched.people}
        for track_id in wanted:
            if track_id not in people:
                raise InvalidRequestError(f"Track {track_id} is not in frame {frame.index}.")
            # Smoothing may have dropped all keypoints of this person.
            if people[track_id].placed.any():
                self._images.still(track_id, jpeg(crop(shown, people[track_id].box)))

    def finish(self) -> None:
        """Raises InvalidRequestError if a still belongs to a frame that was not received."""
        for index, tracks in self._stills.items():
            raise InvalidRequestError(
                f"Frame {index} of the still of track {tracks[0]} is not in the segment."
            )


def _matched(
    reader: VideoReader, posed: Iterable[PosedFrame]
) -> Generator[tuple[PosedFrame, SourceFrame], None, None]:
    """Pairs each frame of the request with the video's frame of the same presentation time.

    Around damaged packets, decoders return different frames depending on where they started.
    Surplus frames are skipped. A missing frame is replaced by the preceding one, but at least half
    must be there.
    """
    wanted = iter(posed)
    first = next(wanted, None)
    if first is None:
        raise InvalidRequestError("The segment has no frames.")
    with closing(prefetched(reader.frames(first.index, first.pts))) as sources:
        shown = source = next(sources, None)
        previous = source.previous if source else None
        sent = found = 0
        for frame in chain([first], wanted):
            while source and source.pts <= frame.pts:
                found += source.pts == frame.pts
                shown, source = source, next(sources, None)
            if shown:
                yield frame, replace(shown, index=frame.index, pts=frame.pts, previous=previous)
            previous = frame.pts
            sent += 1
    if found < (sent + 1) // 2:
        # Another version may have decoded it, or selected another stream.
        raise IncompatibleError(
            f"The video has {found} of the {sent} frames from frame {first.index} at {first.pts}."
        )


def _checked(before: list[PosedFrame], posed: Iterable[PosedFrame]) -> Iterator[PosedFrame]:
    """Yields the segment's frames, checked to follow the preceding ones."""
    known = len(before)
    for number, frame in enumerate(_consecutive(chain(before, posed))):
        if number >= known:
            yield frame


def _consecutive(posed: Iterable[PosedFrame]) -> Iterator[PosedFrame]:
    """Yields frames, each checked to follow the one before."""
    last: PosedFrame | None = None
    for frame in posed:
        if frame.index < 0:
            raise InvalidRequestError(f"Frame index {frame.index} is negative.")
        if last and (frame.index != last.index + 1 or frame.pts <= last.pts):
            raise InvalidRequestError(
                f"Frame {frame.index} at {frame.pts} does not follow frame {last.index} at "
                f"{last.pts}."
            )
        yield frame
        last = frame
