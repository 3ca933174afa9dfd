"""A segment on its way through the services."""

import asyncio
import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction

from opentelemetry.trace import INVALID_SPAN, Span

from poseway.formats import tracks
from poseway.jobs import Stretch
from poseway.media.reader import VideoInfo
from poseway.telemetry import traces
from poseway.v1 import pose_pb2, renderer_pb2
from poseway_gateway.dispatcher.checkpoint import Checkpoint
from poseway_gateway.dispatcher.frames.batches import Batch, Position
from poseway_gateway.dispatcher.frames.stills import Still
from poseway_gateway.dispatcher.metrics import spent


@dataclass
class Segment:
    """A segment on its way.

    Attributes:
        number: Its number.
        pts: Presentation times of its frames, in ticks.
        end: Ticks at which its last frame is over.
        cuts: Presentation times of the first frames after cuts, by their index.
        following: The first frame of the next segment.
        memory: The earliest frame that telling cuts from there on looks back to.
        damaged_packets: Packets in it that could not be decoded.
        reshaped: Frames whose size or shape differ from those of the frame before.
        poses: The people of its batches, being found.
        seconds: Wall-clock time per stage.
        span: Its part of the trace.
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
        """Begins its span; its tasks start in `traces.within` that."""
        attributes = traces.attributes(segment=self.number)
        self.span = traces.tracer.start_span("segment", attributes=attributes)
        return self.span

    def close(self) -> None:
        """Ends its span, with what its stages took."""
        stages = {f"{stage}_seconds": seconds for stage, seconds in self.seconds.items()}
        self.span.set_attributes(traces.attributes(frames=len(self.pts), **stages))
        traces.end(self.span)

    def add(self, batch: Batch) -> None:
        """Takes the batch that comes next, decoded."""
        self.pts += [image.pts for image in batch.images]
        self.cuts |= {image.index: image.pts for image in batch.images if image.cut}
        self.end, self.following, self.memory = batch.end, batch.following, batch.memory
        self.damaged_packets += batch.damaged_packets
        self.reshaped += batch.reshaped
        self.spend("decode", batch.seconds)

    def stretch(self, time_base: Fraction) -> Stretch:
        """When it is, given the seconds per tick."""
        start, end = (round(float(ticks * time_base), 6) for ticks in (self.pts[0], self.end))
        return Stretch(start=start, end=end)

    @contextmanager
    def working(self, stage: str) -> Iterator[None]:
        """Counts the time of the block to a stage, if it gets done."""
        began = time.monotonic()
        with traces.tracer.start_as_current_span(stage):
            yield
        self.spend(stage, time.monotonic() - began)

    def spend(self, stage: str, seconds: float) -> None:
        """Counts time to a stage."""
        spent(stage, seconds)
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + seconds, 3)


@dataclass
class Tracked:
    """A segment whose people have ids.

    Attributes:
        frames: Its frames.
        lines: The lines of keypoints.jsonl that these become.
        state: The tracker's state after it.
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
    """What is kept of a segment that is rendered.

    Args:
        segment: The segment.
        tracked: Its people.
        stills: The best moment of each of them.
        rendered: What the renderer says of it.
        video: What was read.
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
