"""A segment in progress."""

import asyncio
import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction

from opentelemetry.trace import INVALID_SPAN, Span

from poseway.formats import tracks
from poseway.jobs import TimeSpan
from poseway.media.reader import VideoInfo
from poseway.telemetry import traces
from poseway.v1 import pose_pb2, renderer_pb2
from poseway_gateway.dispatcher.checkpoint import Checkpoint
from poseway_gateway.dispatcher.frames.batches import Batch, Position
from poseway_gateway.dispatcher.frames.stills import Still
from poseway_gateway.dispatcher.metrics import spent


@dataclass
class Segment:
    """A segment in progress.

    Attributes:
        number: Number of the segment.
        pts: Presentation times of its frames in ticks.
        end: End of its last frame in ticks.
        cuts: Presentation times of the first frames after cuts, by index of the frame.
        following: First frame of the next segment; None after the last.
        memory: Earliest frame that cut detection needs to continue there.
        damaged_packets: Packets of the segment that could not be decoded.
        reshaped: Frames whose size or aspect ratio differs from the previous frame's.
        poses: Running inference tasks of its batches.
        seconds: Wall-clock time per stage in seconds.
        span: Span of the segment in the trace.
    """

    number: int
    pts: list[int] = field(default_factory=list)
    end: int = 0
    cuts: dict[int, int] = field(default_factory=dict)
    following: Position | None = None
    memory: Position | None = None
    damaged_packets: int = 0
    reshaped: int = 0
    poses: list[asyncio.Task[list[pose_pb2.FramePoses]]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    span: Span = INVALID_SPAN

    def begin(self) -> Span:
        """Starts the segment's span. Its tasks run in `traces.within` of that span."""
        attributes = traces.attributes(segment=self.number)
        self.span = traces.tracer.start_span("segment", attributes=attributes)
        return self.span

    def close(self) -> None:
        """Ends the segment's span, with the time of each stage as attributes."""
        stages = {f"{stage}_seconds": seconds for stage, seconds in self.seconds.items()}
        self.span.set_attributes(traces.attributes(frames=len(self.pts), **stages))
        traces.end(self.span)

    def add(self, batch: Batch) -> None:
        """Adds the next decoded batch."""
        self.pts += [image.pts for image in batch.images]
        self.cuts |= {image.index: image.pts for image in batch.images if image.cut}
        self.end, self.following, self.memory = batch.end, batch.following, batch.memory
        self.damaged_packets += batch.damaged_packets
        self.reshaped += batch.reshaped
        self.spend("decode", batch.seconds)

    def stretch(self, time_base: Fraction) -> TimeSpan:
        """Time range of the segment in seconds, given the seconds per tick."""
        start, end = (round(float(ticks * time_base), 6) for ticks in (self.pts[0], self.end))
        return TimeSpan(start=start, end=end)

    @contextmanager
    def working(self, stage: str) -> Iterator[None]:
        """Adds the time of the block to a stage, unless the block raises."""
        began = time.monotonic()
        with traces.tracer.start_as_current_span(stage):
            yield
        self.spend(stage, time.monotonic() - began)

    def spend(self, stage: str, seconds: float) -> None:
        """Adds time to a stage."""
        spent(stage, seconds)
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + seconds, 3)


@dataclass
class Tracked:
    """A tracked segment.

    Attributes:
        frames: Frames with track ids.
        lines: The frames as lines of keypoints.jsonl.
        state: State of the tracker after the segment.
    """

    frames: list[pose_pb2.TrackedFrame]
    lines: list[bytes]
    state: bytes


def checkpoint(
    segment: Segment,
    tracked: Tracked,
    stills: dict[int, Still],
    rendered: renderer_pb2.RenderSegmentResponse,
    video: VideoInfo,
) -> Checkpoint:
    """Builds the checkpoint of a rendered segment.

    Args:
        segment: The segment.
        tracked: Its tracked frames.
        stills: Best frame of each track.
        rendered: Response of the renderer.
        video: Properties of the upload.
    """
    time_base = video.time_base
    people = {frame.frame_index: len(frame.people) for frame in tracked.frames}
    frames = (
        (frame.frame_index, float(pts * time_base), [person.track_id for person in frame.people])
        for frame, pts in zip(tracked.frames, segment.pts, strict=True)
    )
    over = segment.following.pts if segment.following else segment.end
    interval = float(1 / video.frame_rate)
    runs = tracks.runs(tracks.with_ends(frames, interval, float(over * time_base)))
    return Checkpoint(
        segment=segment.number,
        frames=len(people),
        start=segment.pts[0],
        end=segment.end,
        following=segment.following and (segment.following.index, segment.following.pts),
        memory=segment.memory and (segment.memory.index, segment.memory.pts),
        tracker=base64.b64encode(tracked.state).decode(),
        people=max(people.values()),
        tracks=sorted(runs),
        spans={track: [(run.first, run.last) for run in its] for track, its in runs.items()},
        times={track: [(run.start, run.end) for run in its] for track, its in runs.items()},
        screenshots={index: people[index] for index in rendered.screenshots},
        stills=stills,
        video_size=(rendered.width, rendered.height),
        seconds=segment.seconds,
        damaged_packets=segment.damaged_packets,
        cuts=list(segment.cuts.values()),
        reshaped=segment.reshaped,
        video_stream=video.video_stream,
    )
