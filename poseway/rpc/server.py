"""A gRPC server with health checks, errors as status codes, and a graceful stop."""

# gRPC's classes take type arguments in their stubs, but not at run time.
from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from poseway import errors
from poseway.rpc.status import BEGUN, CODE, MESSAGE_BYTES, STATUS_OF
from poseway.settings import ServerSettings
from poseway.telemetry.server import CallInterceptor, wrapped

# No call is cut because its connection is old: joining a long video takes a while.
_LONGEST_CALL_MS: Final = 2 * 3600 * 1000

_NOTICE_SECONDS: Final = 0.2
_CANCEL_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.5

_Begin = Callable[[Any, grpc.ServicerContext], None]

log = structlog.get_logger(__name__)


class ErrorInterceptor(grpc.ServerInterceptor):
    """Turns Poseway's errors into status codes, with the error's code as trailing metadata.

    A call that reaches its method is acknowledged at once. A stopping server rejects it. The rest
    of a stream of requests is read before the call is rejected: gRPC's asyncio client loses the
    status of a call that ends while it is still sending.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wraps the handler of the called method."""
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith("/grpc."):
            return handler
        return wrapped(
            handler,
            unary=lambda method: _wrap_unary(method, self._begin),
            stream=lambda method: _wrap_stream(method, self._begin),
        )

    def _begin(self, request: Any, context: grpc.ServicerContext) -> None:  # noqa: ANN401
        if self._stopping.is_set():
            _read_out(request)
            context.abort(grpc.StatusCode.UNAVAILABLE, "This replica is stopping. Call another.")
        context.send_initial_metadata(((BEGUN, "1"),))


def _wrap_unary(method: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    def call(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 # any message
        begin(request, context)
        try:
            return method(request, context)
        except errors.PosewayError as error:
            _read_out(request)
            _abort(context, error)

    return call


def _wrap_stream(
    method: Callable[..., Iterator[Any]], begin: _Begin
) -> Callable[..., Iterator[Any]]:
    def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: ANN401
        begin(request, context)
        try:
            yield from method(request, context)
        except errors.PosewayError as error:
            _read_out(request)
            _abort(context, error)

    return call


def _read_out(request: Any) -> None:  # noqa: ANN401 # a message or an iterator of them
    if isinstance(request, Iterator):
        deque(request, maxlen=0)


def _abort(context: grpc.ServicerContext, error: errors.PosewayError) -> None:
    log.warning("call failed", code=error.code, message=error.message)
    context.set_trailing_metadata(((CODE, error.code),))
    context.abort(STATUS_OF.get(type(error), grpc.StatusCode.INTERNAL), error.message)


class _Health(health.HealthServicer):
    """Health checks in a thread of their own, so that a busy server still passes them."""

    def Check(  # noqa: N802 # gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> health_pb2.HealthCheckResponse:
        answer: health_pb2.HealthCheckResponse = super().Check(request, context)
        return answer

    Check.experimental_thread_pool = ThreadPoolExecutor(1, "health")  # type: ignore[attr-defined]


def serve(settings: ServerSettings, add: Callable[[grpc.Server], str]) -> None:
    """Serves until SIGTERM or SIGINT, then drains: running calls finish, new ones are rejected.

    Args:
        settings: Address to listen on, number of calls, time to drain.
        add: Adds the servicer to the server and returns the full name of the service for the
            health check.
    """
    signals: SimpleQueue[int] = SimpleQueue()
    stopping = threading.Event()
    server = grpc.server(
        ThreadPoolExecutor(settings.max_calls, thread_name_prefix="call"),
        interceptors=[CallInterceptor(), ErrorInterceptor(stopping)],
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
            ("grpc.max_connection_age_ms", int(settings.max_connection_age_seconds * 1000)),
            ("grpc.max_connection_age_grace_ms", _LONGEST_CALL_MS),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            # Otherwise two servers would silently share a port; the second must fail.
            ("grpc.so_reuseport", 0),
        ],
    )
    name = add(server)
    checks = _Health()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port(f"{settings.host}:{settings.port}")
    for number in (signal.SIGTERM, signal.SIGINT):
        # A SimpleQueue is reentrant: a signal may interrupt the handler of another.
        signal.signal(number, lambda number, _: signals.put(number))
    server.start()
    for service in ("", name):
        checks.set(service, health_pb2.HealthCheckResponse.SERVING)
    log.info("serving", rpc=name, address=f"{settings.host}:{port}")
    _wait(signals)
    stopping.set()
    log.info("stopping", grace_seconds=settings.grace_seconds)
    checks.enter_graceful_shutdown()
    # Calls that arrive right now are rejected instead of lost.
    time.sleep(_NOTICE_SECONDS)
    # Calls still running after the grace period are cancelled, which is quick.
    if not server.stop(settings.grace_seconds).wait(settings.grace_seconds + _CANCEL_SECONDS):
        log.warning("calls did not end in time")


def _wait(signals: SimpleQueue[int]) -> None:
    """Waits for a signal.

    The kernel may deliver it to a library's thread, which does not wake the main thread, where
    Python runs handlers. So the main thread wakes up regularly.
    """
    while True:
        with suppress(Empty):
            signals.get(timeout=_LOOK_SECONDS)
            return
