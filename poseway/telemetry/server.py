"""Metrics and traces of incoming gRPC calls."""

# gRPC's classes take type arguments in their stubs, but not at run time.
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
import prometheus_client
from opentelemetry.trace import SpanKind, StatusCode

from poseway.telemetry import traces
from poseway.telemetry.buckets import CALL_SECONDS

_CALLS: Final = prometheus_client.Counter(
    "poseway_server_calls",
    "Calls that were completed, successfully or not.",
    ["rpc_service", "rpc_method", "code"],
)
_SECONDS: Final = prometheus_client.Histogram(
    "poseway_server_call_seconds",
    "Duration of a call, from its start to the end of its response.",
    ["rpc_service", "rpc_method"],
    buckets=CALL_SECONDS,
)
_IN_FLIGHT: Final = prometheus_client.Gauge(
    "poseway_server_calls_in_flight",
    "Calls in progress.",
    ["rpc_service", "rpc_method"],
)


class CallInterceptor(grpc.ServerInterceptor):
    """Measures and traces every call except health checks."""

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wraps the handler of the called method."""
        handler = continuation(handler_call_details)
        name = handler_call_details.method
        if handler is None or name.startswith("/grpc."):
            return handler
        service, method = name.rpartition(".")[2].split("/")
        return wrapped(
            handler,
            unary=lambda answer: _unary(answer, service, method),
            stream=lambda answer: _stream(answer, service, method),
        )


def wrapped(
    handler: grpc.RpcMethodHandler[Any, Any],
    *,
    unary: Callable[[Callable[..., Any]], Callable[..., Any]],
    stream: Callable[[Callable[..., Iterator[Any]]], Callable[..., Iterator[Any]]],
) -> grpc.RpcMethodHandler[Any, Any]:
    """Returns a handler whose method is wrapped.

    Args:
        handler: The original handler.
        unary: Wraps a method that returns one response.
        stream: Wraps a method that returns a stream of responses.
    """
    asked = "stream" if handler.request_streaming else "unary"
    answered = "stream" if handler.response_streaming else "unary"
    kind = f"{asked}_{answered}"
    wrap = stream if handler.response_streaming else unary
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    made: grpc.RpcMethodHandler[Any, Any] = make(
        wrap(getattr(handler, kind)),
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
    return made


def _unary(answer: Callable[..., Any], service: str, method: str) -> Callable[..., Any]:
    def call(request: Any, context: grpc.ServicerContext) -> Any:  # noqa: ANN401 # any message
        with _answering(service, method, context):
            return answer(request, context)

    return call


def _stream(
    answer: Callable[..., Iterator[Any]], service: str, method: str
) -> Callable[..., Iterator[Any]]:
    def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: ANN401
        with _answering(service, method, context):
            yield from answer(request, context)

    return call


@contextmanager
def _answering(service: str, method: str, context: grpc.ServicerContext) -> Iterator[None]:
    in_flight = _IN_FLIGHT.labels(service, method)
    began = time.perf_counter()
    in_flight.inc()
    # Not made the current span: another thread may close a streaming response.
    parent = traces.parent(context.invocation_metadata())
    span = traces.tracer.start_span(f"{service}/{method}", parent, SpanKind.SERVER)
    code = grpc.StatusCode.OK
    try:
        yield
    except BaseException:
        code = _code(context)
        span.set_status(StatusCode.ERROR, code.name)
        raise
    finally:
        span.end()
        in_flight.dec()
        _CALLS.labels(service, method, code.name).inc()
        _SECONDS.labels(service, method).observe(time.perf_counter() - began)


def _code(context: grpc.ServicerContext) -> grpc.StatusCode:
    """Status code of a failed call."""
    if not context.is_active():
        return grpc.StatusCode.CANCELLED  # its caller is gone
    code: grpc.StatusCode | None = context.code()  # type: ignore[attr-defined] # it has
    return code or grpc.StatusCode.UNKNOWN
