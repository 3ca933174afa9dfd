"""Rendering a segment: consecutive frames, drawn on, encoded, some of them kept as screenshots."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from itertools import chain

from poseway.errors import InvalidRequestError
from poseway.video import SourceFrame, VideoReader
from services.renderer.canvas import Canvas
from services.renderer.colour import ColourSpace
from services.renderer.draw import Painter, Person
from services.renderer.encode import Encoding, SegmentEncoder, Sink, jpeg


@dataclass(frozen=True, slots=True)
class PosedFrame:
    """The people of a frame.

    Attributes:
        index: Number in the video, from 0.
        pts: Presentation time in ticks of the video's time base.
        people: The people, in the order in which they are drawn.
    """

    index: int
    pts: int
    people: list[Person]


class Background(Enum):
    """What people are drawn on."""

    VIDEO = "video"
    BLACK = "black"


@dataclass(frozen=True, slots=True)
class Every:
    """When screenshots are taken; with neither set, never. The first frame always is one.

    Attributes:
        frames: At every frame whose index is a multiple of this.
        seconds: At the first frame at or after each multiple of this.
    """

    frames: int | None = None
    seconds: Fraction | None = None

    def takes(self, frame: SourceFrame, time_base: Fraction) -> bool:
        """Whether a frame is one. Its segment does not matter: only its own and the last time do.

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
class Rendered:
    """What became of a segment.

    Attributes:
        frames: Frames encoded.
        screenshots: Indices of the frames kept as screenshots.
    """

    frames: int
    screenshots: list[int]


def render_segment(
    reader: VideoReader,
    posed: Iterable[PosedFrame],
    background: Background,
    every: Every,
    encoding: Encoding,
    file: Sink,
    keep: Callable[[int, bytes], None],
) -> Rendered:
    """Renders consecutive frames of a video. Holds one frame at a time.

    Args:
        reader: The video.
        posed: The segment's frames in order; each is drawn as it arrives.
        background: What to draw on.
        every: When to take screenshots.
        encoding: How to encode.
        file: Where the segment's MP4 goes; must write and seek.
        keep: Takes the index and the JPEG of each screenshot.

    Raises:
        InvalidRequestError: There are no frames, or the video does not have them.
    """
    info = reader.info
    space = ColourSpace.of(reader.stream)
    painter = Painter(info.width, info.height, space)
    encoder = SegmentEncoder(file, info, space, encoding)
    frames, screenshots = 0, []
    for frame, source in _matched(reader, posed):
        canvas = Canvas(info.width, info.height, space)
        if background is Background.BLACK:
            canvas.blacken()
        else:
            canvas.show(source)
        painter.paint(canvas, frame.people)
        encoder.write(canvas, source.pts, source.duration)
        frames += 1
        if every.takes(source, info.time_base):
            keep(source.index, jpeg(canvas))
            screenshots.append(source.index)
    encoder.finish()
    return Rendered(frames, screenshots)


def _matched(
    reader: VideoReader, posed: Iterable[PosedFrame]
) -> Iterator[tuple[PosedFrame, SourceFrame]]:
    """Pairs each frame that was sent with the video's own of the same time.

    Around damaged packets decoders do not always give the same frames: it matters how many threads
    they have and where they began. So a frame too many is passed over, and for one that is missing
    the picture before it stays; but most must be there.
    """
    wanted = _following(posed)
    first = next(wanted, None)
    if first is None:
        raise InvalidRequestError("The segment has no frames.")
    sources = reader.frames(first.index, first.pts)
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
    if found <= sent // 2:
        raise InvalidRequestError(
            f"Of {sent} frames from frame {first.index} at {first.pts} on, the video has {found}."
        )


def _following(posed: Iterable[PosedFrame]) -> Iterator[PosedFrame]:
    """The frames, each checked to come after the one before."""
    last: PosedFrame | None = None
    for frame in posed:
        if frame.index < 0:
            raise InvalidRequestError(f"Frame {frame.index}: frames are counted from 0.")
        if last and (frame.index != last.index + 1 or frame.pts <= last.pts):
            raise InvalidRequestError(
                f"Frame {frame.index} at {frame.pts} does not follow frame {last.index} at "
                f"{last.pts}."
            )
        yield frame
        last = frame
