"""Calls of other services, measured and traced."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc
import prometheus_client

from poseway.telemetry import traces
from poseway.telemetry.buckets import CALL_SECONDS

Metadata = tuple[tuple[str, str], ...]

_CALLS: Final = prometheus_client.Counter(
    "poseway_client_calls",
    "Calls of other services that ended, every attempt by itself.",
    ["rpc_service", "rpc_method", "code"],
)
_SECONDS: Final = prometheus_client.Histogram(
    "poseway_client_call_seconds",
    "Time of a call of another service, as its caller sees it.",
    ["rpc_service", "rpc_method"],
    buckets=CALL_SECONDS,
)
_IN_FLIGHT: Final = prometheus_client.Gauge(
    "poseway_client_calls_in_flight",
    "Calls of other services that wait for their answer.",
    ["rpc_service", "rpc_method"],
)


@contextmanager
def calling(service: str, method: str) -> Iterator[Metadata]:
    """Measures one attempt at a call, which is made in the block; gives the metadata to send.

    Args:
        service: Name of the service, without its package.
        method: Its method.
    """
    in_flight = _IN_FLIGHT.labels(service, method)
    began = time.perf_counter()
    in_flight.inc()
    code = grpc.StatusCode.UNKNOWN
    try:
        with traces.span(f"{service}/{method}", "client") as span:
            yield tuple(span.headers().items())
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
