"""The renderer's gRPC service."""

from collections.abc import Iterator
from typing import Final

import grpc
import structlog
from prometheus_client import Counter

from poseway.errors import InvalidRequestError
from poseway.v1 import renderer_pb2, renderer_pb2_grpc
from poseway_renderer import request_parsing
from poseway_renderer.renderer import Renderer

NAME: Final = renderer_pb2.DESCRIPTOR.services_by_name["RendererService"].full_name

_FRAMES: Final = Counter("poseway_renderer_frames", "Frames drawn and encoded.")

log = structlog.get_logger(__name__)


class RendererService(renderer_pb2_grpc.RendererServiceServicer):
    """Validates requests and passes them to the renderer."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def RenderSegment(  # noqa: N802 # the name in the proto
        self,
        request_iterator: Iterator[renderer_pb2.RenderSegmentRequest],
        context: grpc.ServicerContext,
    ) -> renderer_pb2.RenderSegmentResponse:
        """Renders a segment; see renderer.proto."""
        _bind()
        header = request_parsing.header(next(request_iterator, None))
        _bind(job=header.job_id, segment=header.segment)
        rendered, size = self._renderer.render(
            header.job_id,
            header.segment,
            request_parsing.posed_frames(request_iterator, context.is_active),
            request_parsing.segment_options(header),
            background=header.background,
        )
        _FRAMES.inc(rendered.frames)
        log.info("segment rendered", frames=rendered.frames, bytes=size)
        return renderer_pb2.RenderSegmentResponse(
            frames=rendered.frames,
            video_bytes=size,
            screenshots=rendered.screenshots,
            width=rendered.width,
            height=rendered.height,
        )

    def JoinSegments(  # noqa: N802 # the name in the proto
        self, request: renderer_pb2.JoinSegmentsRequest, context: grpc.ServicerContext
    ) -> renderer_pb2.JoinSegmentsResponse:
        """Joins segments; see renderer.proto."""
        _bind()
        request_parsing.check_job_id(request.job_id)
        if request.segments < 1 or request.frames < 1:
            raise InvalidRequestError("At least one segment and one frame are required.")
        if any(index < 0 for index in request.contact_sheet):
            raise InvalidRequestError("Frame indices of the contact sheet must not be negative.")
        _bind(job=request.job_id)
        joined, size = self._renderer.join(
            request.job_id,
            request.segments,
            request.frames,
            background=request.background,
            reading=request_parsing.reading(request.reading),
            drop_audio=request.drop_audio,
        )
        if request.contact_sheet:
            self._renderer.contact_sheet(request.job_id, list(request.contact_sheet))
        log.info("segments joined", segments=request.segments, bytes=size)
        return renderer_pb2.JoinSegmentsResponse(
            video_bytes=size,
            duration_seconds=float(joined.duration),
            audio_codec=joined.audio_codec,
            sound_lost=joined.sound_lost,
        )


def add_to(server: grpc.Server, renderer: Renderer) -> str:
    """Adds the service to a server and returns its full name."""
    renderer_pb2_grpc.add_RendererServiceServicer_to_server(RendererService(renderer), server)
    return NAME


def _bind(**values: str | int) -> None:
    """Sets the context of this thread's log events until its next call."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**values)
