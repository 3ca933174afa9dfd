"""Metrics and traces of outgoing gRPC calls."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc
import prometheus_client
from opentelemetry.trace import SpanKind

from poseway.telemetry import traces
from poseway.telemetry.buckets import CALL_SECONDS

Metadata = tuple[tuple[str, str], ...]

_CALLS: Final = prometheus_client.Counter(
    "poseway_client_calls",
    "Completed calls to other services. Each attempt counts.",
    ["rpc_service", "rpc_method", "code"],
)
_SECONDS: Final = prometheus_client.Histogram(
    "poseway_client_call_seconds",
    "Duration of calls to other services, measured by the caller.",
    ["rpc_service", "rpc_method"],
    buckets=CALL_SECONDS,
)
_IN_FLIGHT: Final = prometheus_client.Gauge(
    "poseway_client_calls_in_flight",
    "Calls to other services that are waiting for a response.",
    ["rpc_service", "rpc_method"],
)


@contextmanager
def calling(service: str, method: str) -> Iterator[Metadata]:
    """Measures and traces one attempt at a call, made within the block. Yields metadata to send.

    Args:
        service: Name of the service without its package.
        method: Name of the method.
    """
    in_flight = _IN_FLIGHT.labels(service, method)
    began = time.perf_counter()
    in_flight.inc()
    code = grpc.StatusCode.UNKNOWN
    try:
        name = f"{service}/{method}"
        with traces.tracer.start_as_current_span(name, kind=SpanKind.CLIENT):
            yield tuple(traces.headers().items())
        code = grpc.StatusCode.OK
    except grpc.aio.AioRpcError as error:
        code = error.code()
        raise
    except asyncio.CancelledError:
        code = grpc.StatusCode.CANCELLED
        raise
    finally:
        in_flight.dec()
        _CALLS.labels(service, method, code.name).inc()
        _SECONDS.labels(service, method).observe(time.perf_counter() - began)
