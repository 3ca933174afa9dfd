"""Traces by OpenTelemetry; imported only where they are on.

Sampling, limits, batches and headers of the exporter are set by OpenTelemetry's own environment
variables, ``OTEL_*``.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import context as current
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from poseway.telemetry.traces import Kind, Span, Value

_PATH: Final = "/v1/traces"
_PREFIX: Final = "poseway."


class _Real(Span):
    """A span that is sent."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, **attributes: Value) -> None:
        self._span.set_attributes({_PREFIX + name: value for name, value in attributes.items()})

    def fail(self, why: str) -> None:
        self._span.set_status(trace.StatusCode.ERROR, why)

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier, trace.set_span_in_context(self._span))
        return carrier

    def context(self) -> Context:
        context = copy_context()
        context.run(current.attach, trace.set_span_in_context(self._span))
        return context

    def end(self) -> None:
        if self._span.is_recording():
            self._span.end()


class Tracing:
    """Traces of this process, sent by a thread of its own, which loses them rather than wait."""

    def __init__(self, service: str, endpoint: str) -> None:
        """Begins.

        Args:
            service: Name of the service.
            endpoint: Address of a collector that takes OTLP over HTTP.
        """
        place = resource(service)
        self._provider = TracerProvider(resource=place, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=whole(endpoint))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("poseway")

    def stop(self, seconds: float) -> None:
        """Sends what there is, for so long at most."""
        # Its own bound is half a minute, and longer than a service has to end.
        thread = threading.Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(seconds)

    def begin(
        self,
        name: str,
        kind: Kind,
        parent: Mapping[str, str] | None,
        attributes: Mapping[str, Value],
    ) -> Span:
        """See `traces.begin`."""
        return _Real(self._begin(name, kind, parent, attributes))

    @contextmanager
    def span(
        self,
        name: str,
        kind: Kind,
        parent: Mapping[str, str] | None,
        attributes: Mapping[str, Value],
    ) -> Iterator[Span]:
        """See `traces.span`."""
        span = self._begin(name, kind, parent, attributes)
        with trace.use_span(span, end_on_exit=True):
            yield _Real(span)

    def current(self) -> Span:
        """See `traces.current`."""
        return _Real(trace.get_current_span())

    def _begin(
        self,
        name: str,
        kind: Kind,
        parent: Mapping[str, str] | None,
        attributes: Mapping[str, Value],
    ) -> trace.Span:
        return self._tracer.start_span(
            name,
            context=None if parent is None else propagate.extract(parent),
            kind=trace.SpanKind[kind.upper()],
            attributes={_PREFIX + key: value for key, value in attributes.items()},
        )


def resource(service: str) -> Resource:
    """What a service is called in traces."""
    return Resource.create({"service.name": service, "service.namespace": "poseway"})


def whole(endpoint: str) -> str:
    """The address that spans are sent to; where one has no path, it is the one of the standard."""
    return endpoint if urlsplit(endpoint).path.strip("/") else endpoint.rstrip("/") + _PATH
