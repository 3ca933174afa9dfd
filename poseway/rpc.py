"""gRPC as the services use it: one way to serve, one way to call, one mapping of errors."""

# gRPC's classes take type arguments in their stubs, but not at run time.
from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from poseway import errors
from poseway.settings import ServerSettings

MESSAGE_BYTES: Final = 64 << 20
"""Largest message: a frame of 8192 x 2730 pixels."""

# Joining the segments of a long video takes a while; no call is cut for its connection's age.
_LONGEST_CALL_MS: Final = 2 * 3600 * 1000

log = structlog.get_logger(__name__)

_STATUS: Final[dict[type[errors.PosewayError], grpc.StatusCode]] = {
    errors.InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.VideoError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.ConflictError: grpc.StatusCode.ABORTED,
    errors.IncompatibleError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
}


class ErrorInterceptor(grpc.ServerInterceptor):
    """Turns named errors into status codes; the error's code travels as trailing metadata."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wraps the method that would be called."""
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith("/grpc."):
            return handler
        wrapper = _wrap_stream if handler.response_streaming else _wrap_unary
        kind = (
            ("stream" if handler.request_streaming else "unary")
            + "_"
            + ("stream" if handler.response_streaming else "unary")
        )
        make = getattr(grpc, f"{kind}_rpc_method_handler")
        wrapped: grpc.RpcMethodHandler[Any, Any] = make(
            wrapper(getattr(handler, kind)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
        return wrapped


def _wrap_unary(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 # any message
        try:
            return method(request, context)
        except errors.PosewayError as error:
            _abort(context, error)

    return call


def _wrap_stream(method: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: ANN401
        try:
            yield from method(request, context)
        except errors.PosewayError as error:
            _abort(context, error)

    return call


def _abort(context: grpc.ServicerContext, error: errors.PosewayError) -> None:
    log.warning("call failed", code=error.code, message=error.message)
    context.set_trailing_metadata((("poseway-code", error.code),))
    context.abort(_STATUS.get(type(error), grpc.StatusCode.INTERNAL), error.message)


class _Health(health.HealthServicer):
    """Health checks with a thread of their own: a server that is busy with calls is not sick."""

    def Check(  # noqa: N802 # gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        answer: health_pb2.HealthCheckResponse = super().Check(request, context)
        return answer

    Check.experimental_thread_pool = ThreadPoolExecutor(1, "health")  # type: ignore[attr-defined]


def serve(settings: ServerSettings, add: Callable[[grpc.Server], str]) -> None:
    """Serves until SIGTERM or SIGINT, then lets running calls finish.

    Args:
        settings: Where to listen and for how long.
        add: Adds the servicer to the server and returns the full name of the service, for the
            health check.
    """
    server = grpc.server(
        ThreadPoolExecutor(settings.max_calls, thread_name_prefix="call"),
        interceptors=[ErrorInterceptor()],
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
            ("grpc.max_connection_age_ms", int(settings.max_connection_age_seconds * 1000)),
            ("grpc.max_connection_age_grace_ms", _LONGEST_CALL_MS),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            # Two servers on one port would share it silently; the second must fail.
            ("grpc.so_reuseport", 0),
        ],
    )
    name = add(server)
    checks = _Health()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port(f"{settings.host}:{settings.port}")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.start()
    for service in ("", name):
        checks.set(service, health_pb2.HealthCheckResponse.SERVING)
    log.info("serving", rpc=name, address=f"{settings.host}:{port}")
    stopped.wait()
    log.info("stopping", grace_seconds=settings.grace_seconds)
    checks.enter_graceful_shutdown()
    server.stop(settings.grace_seconds).wait()
