"""Clients of inference, tracker and renderer."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Self, TypeVar

import grpc

from poseway import jobs
from poseway.errors import ServiceError
from poseway.media.letterbox import Box
from poseway.read_options import Reading
from poseway.rpc.client import connect, repeat
from poseway.rpc.model_lookup import find_model
from poseway.telemetry.client import calling
from poseway.v1 import (
    inference_pb2,
    inference_pb2_grpc,
    pose_pb2,
    renderer_pb2,
    renderer_pb2_grpc,
    tracker_pb2,
    tracker_pb2_grpc,
)
from poseway_gateway.dispatcher.frames.batches import Batch, Image
from poseway_gateway.dispatcher.render_request import reading_message
from poseway_gateway.dispatcher.settings import DispatcherSettings

T = TypeVar("T")

_SMOOTHINGS = {
    jobs.Smoothing.OFF: tracker_pb2.SMOOTHING_OFF,
    jobs.Smoothing.LIGHT: tracker_pb2.SMOOTHING_LIGHT,
    jobs.Smoothing.STRONG: tracker_pb2.SMOOTHING_STRONG,
}


class Services:
    """Calls to inference, tracker and renderer, balanced over their replicas.

    All calls are idempotent and are retried while that can help. They raise `UnavailableError` if
    the service stays unavailable, `ServiceError` if it keeps failing, and the service's own error
    if it rejects the call.
    """

    def __init__(self, settings: DispatcherSettings) -> None:
        self._settings = settings
        self.inference = connect(settings.inference_address)
        self.tracker = connect(settings.tracker_address)
        self.renderer = connect(settings.renderer_address)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for replicas in (self.inference, self.tracker, self.renderer):
            await replicas.close()

    async def model(self, name: str | None) -> inference_pb2.Model:
        """Returns how a model is run; see `poseway.rpc.model_lookup.find_model`."""
        return await find_model(self.inference, name, self._settings.patience_seconds)

    async def estimate(
        self, header: inference_pb2.BatchHeader, batch: Batch
    ) -> list[pose_pb2.FramePoses]:
        """Finds the people in each frame of a batch, in pixels of the video's frame."""

        def requests() -> Iterator[inference_pb2.EstimatePosesRequest]:
            yield inference_pb2.EstimatePosesRequest(header=header)
            for image in batch.images:
                yield inference_pb2.EstimatePosesRequest(frame=_frame(image))

        async def call(channel: grpc.aio.Channel) -> list[pose_pb2.FramePoses]:
            stub = inference_pb2_grpc.InferenceServiceStub(channel)
            with calling("InferenceService", "EstimatePoses") as metadata:
                answers = stub.EstimatePoses(
                    _async(requests()), timeout=self._settings.call_seconds, metadata=metadata
                )
                poses = [answer.poses async for answer in answers]
            if [p.frame_index for p in poses] != [image.index for image in batch.images]:
                raise ServiceError("Inference returned different frames than it received.")
            return [_in_frame(found, batch.box) for found in poses]

        return await repeat(self.inference, call, "inference", self._settings.patience_seconds)

    async def track(
        self,
        request: jobs.JobRequest,
        state: bytes,
        frame_rate: float,
        frames: list[pose_pb2.FramePoses],
    ) -> tuple[list[pose_pb2.TrackedFrame], bytes]:
        """Assigns track ids to the people of a segment.

        Args:
            request: The job.
            state: State of the tracker after the previous segment.
            frame_rate: Frames per second, for trackers of older versions.
            frames: Frames of the segment with their times.

        Returns:
            The frames with track ids, and the new state of the tracker.
        """
        start = tracker_pb2.TrackStart(
            job_id=request.id,
            state=state,
            frame_rate=frame_rate,
            smoothing=_SMOOTHINGS[request.options.smoothing],
        )

        def requests() -> Iterator[tracker_pb2.TrackRequest]:
            yield tracker_pb2.TrackRequest(start=start)
            for frame in frames:
                yield tracker_pb2.TrackRequest(frame=frame)

        async def call(channel: grpc.aio.Channel) -> tuple[list[pose_pb2.TrackedFrame], bytes]:
            stub = tracker_pb2_grpc.TrackerServiceStub(channel)
            tracked: list[pose_pb2.TrackedFrame] = []
            after = b""
            with calling("TrackerService", "Track") as metadata:
                answers = stub.Track(
                    _async(requests()), timeout=self._settings.call_seconds, metadata=metadata
                )
                async for answer in answers:
                    if answer.WhichOneof("message") == "frame":
                        tracked.append(answer.frame)
                    else:
                        after = answer.state
            if len(tracked) != len(frames) or not after:
                raise ServiceError("The tracker returned different frames than it received.")
            return tracked, after

        return await repeat(self.tracker, call, "tracker", self._settings.patience_seconds)

    async def render(
        self, header: renderer_pb2.SegmentHeader, frames: list[pose_pb2.TrackedFrame]
    ) -> renderer_pb2.RenderSegmentResponse:
        """Renders a segment as MP4."""

        def requests() -> Iterator[renderer_pb2.RenderSegmentRequest]:
            yield renderer_pb2.RenderSegmentRequest(header=header)
            for frame in frames:
                yield renderer_pb2.RenderSegmentRequest(frame=frame)

        async def call(channel: grpc.aio.Channel) -> renderer_pb2.RenderSegmentResponse:
            stub = renderer_pb2_grpc.RendererServiceStub(channel)
            with calling("RendererService", "RenderSegment") as metadata:
                return await stub.RenderSegment(
                    _async(requests()), timeout=self._settings.render_seconds, metadata=metadata
                )

        return await repeat(self.renderer, call, "renderer", self._settings.patience_seconds)

    async def join(
        self,
        request: jobs.JobRequest,
        segments: int,
        frames: int,
        contact_sheet: list[int],
        reading: Reading,
    ) -> renderer_pb2.JoinSegmentsResponse:
        """Joins the rendered segments into the video, and screenshots into the contact sheet."""
        message = renderer_pb2.JoinSegmentsRequest(
            job_id=request.id,
            segments=segments,
            frames=frames,
            contact_sheet=contact_sheet,
            background=request.options.has_background,
            drop_audio=request.options.sound is jobs.Audio.DROP,
            reading=reading_message(reading),
        )

        async def call(channel: grpc.aio.Channel) -> renderer_pb2.JoinSegmentsResponse:
            stub = renderer_pb2_grpc.RendererServiceStub(channel)
            with calling("RendererService", "JoinSegments") as metadata:
                return await stub.JoinSegments(
                    message, timeout=self._settings.join_seconds, metadata=metadata
                )

        return await repeat(self.renderer, call, "renderer", self._settings.patience_seconds)


def batch_header(
    request: jobs.JobRequest, model: inference_pb2.Model, batch: Batch
) -> inference_pb2.BatchHeader:
    """Returns the header of a batch.

    A field that is named like an option of the job has the option's value, or zero if the option is
    not given.
    """
    options = request.options.model_dump(exclude_none=True)
    fields = {field.name for field in inference_pb2.BatchHeader.DESCRIPTOR.fields}
    values: dict[str, Any] = {name: options[name] for name in fields & options.keys()}
    # The job may have left the choice of the model to the service.
    values |= {
        "job_id": request.id,
        "model": model.name,
        "source_width": batch.box.width,
        "source_height": batch.box.height,
    }
    return inference_pb2.BatchHeader(**values)


def frame_height(model: inference_pb2.Model, options: jobs.JobOptions) -> int:
    """Height in pixels to which frames are scaled down; more does not improve the job's result."""
    # An inference service of an older version reports 0.
    return (model.accurate_height if options.accurate else 0) or model.input_height


def _in_frame(found: pose_pb2.FramePoses, box: Box) -> pose_pb2.FramePoses:
    """Shifts keypoints from image coordinates to those of the frame around the image."""
    if box.left or box.top:
        for pose in found.poses:
            for at in range(0, len(pose.keypoints), 3):
                if pose.keypoints[at + 2] > 0:
                    pose.keypoints[at] += box.left
                    pose.keypoints[at + 1] += box.top
    return found


def _frame(image: Image) -> inference_pb2.Frame:
    yuv = image.yuv
    return inference_pb2.Frame(
        index=image.index,
        width=yuv.width,
        height=yuv.height,
        yuv=inference_pb2.Yuv(planes=yuv.planes, matrix=yuv.matrix, full_range=yuv.full),
    )


async def _async(items: Iterator[T]) -> AsyncIterator[T]:
    for item in items:
        yield item
