"""Runs one job from its upload to its result.

Batches go to inference while the next ones are decoded. Once all its people are found, a segment is
tracked, in order, and then rendered while the next segment is in progress. Rendered segments are
checkpointed in order. Everything in flight is bounded.
"""

import asyncio
import base64
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Final, ParamSpec, TypeVar

import structlog

from poseway.errors import UnavailableError, VideoError
from poseway.formats import keypoints
from poseway.formats.manifest import Manifest
from poseway.jobs import Audio, JobRequest, Progress
from poseway.media.reader import VideoInfo
from poseway.read_options import Reading
from poseway.storage import ObjectReader, ObjectStore
from poseway.telemetry import traces
from poseway.v1 import inference_pb2, pose_pb2, renderer_pb2
from poseway_gateway.dispatcher.checkpoint import Checkpoint, check_resumable
from poseway_gateway.dispatcher.clients import Services, batch_header, frame_height
from poseway_gateway.dispatcher.concurrency import ConcurrencyLimits
from poseway_gateway.dispatcher.frames import stills
from poseway_gateway.dispatcher.frames.batches import Batch, Position
from poseway_gateway.dispatcher.frames.decoder import Decoder
from poseway_gateway.dispatcher.frames.lead_in import lead, wanted
from poseway_gateway.dispatcher.job_record import JobRecord
from poseway_gateway.dispatcher.metrics import FRAMES_FOUND, working
from poseway_gateway.dispatcher.progress import JobProgress
from poseway_gateway.dispatcher.publish import contact_sheet, publish
from poseway_gateway.dispatcher.render_request import segment_header
from poseway_gateway.dispatcher.segment import Segment, Tracked, checkpoint
from poseway_gateway.dispatcher.settings import DispatcherSettings

log = structlog.get_logger(__name__)

_MOST_RATE: Final = 100_000.0
"""Highest frame rate that the tracker accepts. It uses the times of frames instead."""

P = ParamSpec("P")
T = TypeVar("T")


class Pipeline:
    """Runs one attempt at a job."""

    def __init__(
        self,
        request: JobRequest,
        record: JobRecord,
        store: ObjectStore,
        services: Services,
        settings: DispatcherSettings,
        report: Callable[[Progress], Awaitable[None]],
    ) -> None:
        """Prepares the run.

        Args:
            request: Request of the job.
            record: Record of the job, with the lease taken.
            store: Object storage.
            services: Clients of the other services.
            settings: Limits of concurrency, time and memory.
            report: Called with every change of progress.
        """
        self._request = request
        self._record = record
        self._store = store
        self._services = services
        self._settings = settings
        self._report = report
        self._limits = ConcurrencyLimits(settings, services)
        self._spans = ExitStack()

    async def run(self) -> Manifest:
        """Completes the job from its last checkpoint and publishes the result.

        Returns:
            The manifest of the result.

        Raises:
            VideoError: The upload cannot be processed as a video.
            DecoderError: The upload crashes or overloads its decoder.
            IncompatibleError: Completed segments do not match the remaining ones.
            UnavailableError: A service, storage or the queue is unavailable.
            ConflictError: The lease was lost to another dispatcher.
            PosewayError: A service rejected a call.
        """
        began = time.monotonic()
        model = await self._services.model(self._request.options.model)
        done = await asyncio.to_thread(self._record.checkpoints)
        decoder = Decoder(self._upload, self._settings, self._request.options.reading)
        try:
            video = await asyncio.to_thread(decoder.open)
            check_resumable(done, video)
            self._progress = JobProgress(video, done)
            await self._report_progress()
            if not done or done[-1].following is not None:
                done += await self._segments(decoder, video, model, done)
            await asyncio.to_thread(decoder.close)
            with working("joining"):
                joined = await self._services.join(
                    self._request,
                    len(done),
                    sum(point.frames for point in done),
                    contact_sheet(done),
                    self._reading(video),
                )
            if joined.audio_codec and self._request.options.sound is Audio.DROP:
                raise UnavailableError(
                    "The renderer is an older version that kept the audio although the job drops "
                    "it. The job waits for a newer renderer."
                )
            with working("publishing"):
                return await self._publish(video, model, done, joined, began)
        finally:
            self._spans.close()
            await asyncio.to_thread(decoder.close)

    async def _publish(
        self,
        video: VideoInfo,
        model: inference_pb2.Model,
        done: list[Checkpoint],
        joined: renderer_pb2.JoinSegmentsResponse,
        began: float,
    ) -> Manifest:
        """Publishes the result. If cancelled, waits until the writing thread has stopped."""
        over = threading.Event()

        def check_cancelled() -> None:
            if over.is_set():
                raise UnavailableError("The job was cancelled.")

        seconds = time.monotonic() - began
        rest = (
            self._request,
            video,
            model,
            done,
            joined,
            seconds,
            self._record.renew,
            check_cancelled,
        )
        task = asyncio.create_task(asyncio.to_thread(publish, self._store, *rest))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            over.set()
            await asyncio.wait({task})
            raise

    def _upload(self) -> ObjectReader:
        file = ObjectReader(self._store, self._record.keys.upload)
        if file.size == 0:
            raise VideoError("The file is empty. Upload a video or an image.", "empty_file")
        return file

    async def _segments(
        self,
        decoder: Decoder,
        video: VideoInfo,
        model: inference_pb2.Model,
        done: list[Checkpoint],
    ) -> list[Checkpoint]:
        """Processes the remaining segments and returns their checkpoints."""
        start = (done[-1].next_position() if done else None) or Position(0, 0)
        memory = done[-1].memory_position() if done else None
        height = frame_height(model, self._request.options)
        source = decoder.batches(len(done), start, memory, height)
        previous: asyncio.Future[Tracked] = asyncio.get_running_loop().create_future()
        previous.set_result(await _in_thread(self._resumed, done))
        points: list[asyncio.Task[Checkpoint]] = []
        segment = Segment(len(done))
        async with self._limits, asyncio.TaskGroup() as group:
            while (batch := await asyncio.to_thread(next, source, None)) is not None:
                if not segment.poses:
                    await self._limits.segments.acquire()
                    self._spans.callback(traces.end, segment.begin())
                await self._limits.batches.acquire()
                segment.add(batch)
                self._progress.decoded(batch)
                found = self._estimate(model, batch, segment)
                segment.poses.append(group.create_task(found, context=traces.within(segment.span)))
                if batch.closes:
                    within = traces.within(segment.span)
                    track = self._track(segment, previous, video)
                    tracked = group.create_task(track, context=within)
                    before = points[-1] if points else None
                    work = self._render(segment, tracked, previous, before, video)
                    points.append(group.create_task(work, context=within))
                    segment, previous = Segment(segment.number + 1), tracked
        return [point.result() for point in points]

    def _resumed(self, done: list[Checkpoint]) -> Tracked:
        """What the next segment needs of the last completed one: tracker state and lead-in."""
        if not done:
            return Tracked([], [], b"")
        lines: list[bytes] = []
        if wanted(self._request.options):
            key = self._record.keys.segment(done[-1].segment, "keypoints.jsonl")
            lines += keypoints.split_lines(self._store.stream(key))
        return Tracked([], lines, base64.b64decode(done[-1].tracker))

    async def _estimate(
        self, model: inference_pb2.Model, batch: Batch, segment: Segment
    ) -> list[pose_pb2.FramePoses]:
        try:
            with segment.working("inference"):
                header = batch_header(self._request, model, batch)
                poses = await self._services.estimate(header, batch)
        finally:
            self._limits.batches.release()
        self._progress.found(len(batch.images))
        FRAMES_FOUND.inc(len(batch.images))
        await self._report_progress()
        return poses

    async def _track(
        self, segment: Segment, previous: asyncio.Future[Tracked], video: VideoInfo
    ) -> Tracked:
        poses = [pose for task in segment.poses for pose in await task]
        for pose, pts in zip(poses, segment.pts, strict=True):
            pose.time = float(pts * video.time_base)
            pose.cut = pose.frame_index in segment.cuts
        state = (await previous).state
        rate = min(float(video.frame_rate), _MOST_RATE)
        with segment.working("tracking"):
            frames, after = await self._services.track(self._request, state, rate, poses)
        for frame, pts in zip(frames, segment.pts, strict=True):
            frame.pts = pts
        lines = [keypoints.line(frame, video.time_base) for frame in frames]
        return Tracked(frames, lines, after)

    async def _render(
        self,
        segment: Segment,
        tracking: asyncio.Future[Tracked],
        previous: asyncio.Future[Tracked],
        before: asyncio.Task[Checkpoint] | None,
        video: VideoInfo,
    ) -> Checkpoint:
        tracked, options = await tracking, self._request.options
        frames = lead((await previous).lines, video.time_base) if wanted(options) else []
        best = stills.best(tracked.frames, video.width, video.height)
        header = segment_header(
            self._request.id,
            segment.number,
            options,
            best,
            frames,
            self._reading(video),
            photo=video.is_photo,
        )
        async with self._limits.renders:
            with segment.working("rendering"):
                rendered = await self._services.render(header, tracked.frames)
        key = self._record.keys.segment(segment.number, "keypoints.jsonl")
        await _in_thread(self._store.put, key, b"".join(tracked.lines), keypoints.CONTENT_TYPE)
        if before is not None:
            await before
        await _in_thread(self._record.show, segment.number, segment.stretch(video.time_base))
        point = checkpoint(segment, tracked, best, rendered, video)
        await _in_thread(self._record.save, point)
        self._limits.segments.release()
        self._progress.rendered(point.frames)
        segment.close()
        log.info("segment done", segment=segment.number, frames=point.frames, **segment.seconds)
        await self._report_progress()
        return point.without_tracker()

    def _reading(self, video: VideoInfo) -> Reading:
        """Read options with the chosen streams, so that the renderer reads the same ones."""
        return replace(
            self._request.options.reading,
            video_stream=video.video_stream,
            audio_stream=video.audio_stream,
        )

    async def _report_progress(self) -> None:
        await self._report(self._progress.progress())


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `asyncio.to_thread`, but if cancelled, waits until the thread stops writing."""
    task = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
