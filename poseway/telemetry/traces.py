"""Starts and stops OpenTelemetry traces, and carries them between services.

Until `start` sets a provider, spans of `tracer` do nothing, and SDK, exporter and propagators are
not imported. OpenTelemetry's own ``OTEL_*`` variables set sampling, limits, batches, propagators
and the exporter's headers.
"""

import contextvars
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from opentelemetry import context, trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Value = str | int | float | bool

STOP_SECONDS: Final = 5.0
"""Limit for sending the last spans; the process ends then even if some were not sent."""

_PATH: Final = "/v1/traces"
_PREFIX: Final = "poseway."

tracer: Final = trace.get_tracer("poseway")
_provider: "TracerProvider | None" = None


def start(service: str, endpoint: str) -> None:
    """Starts to trace this process. A background thread sends spans, and drops them if it must.

    Args:
        service: Name of the service.
        endpoint: Address of a collector that takes OTLP over HTTP. Without a path, the standard's
            ``/v1/traces`` is used.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _provider
    place = Resource.create({"service.name": service, "service.namespace": "poseway"})
    _provider = TracerProvider(resource=place, shutdown_on_exit=False)
    if not urlsplit(endpoint).path.strip("/"):
        endpoint = endpoint.rstrip("/") + _PATH
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(_provider)


def stop() -> None:
    """Sends the spans that were not sent yet, within `STOP_SECONDS`. Safe to repeat."""
    global _provider
    provider, _provider = _provider, None
    if provider is not None:
        # The provider's own limit is 30 s, longer than a service has to stop.
        thread = threading.Thread(target=provider.shutdown, daemon=True)
        thread.start()
        thread.join(STOP_SECONDS)


def attributes(**values: Value) -> dict[str, Value]:
    """Attributes of a span under Poseway's prefix: ``job_id`` becomes ``poseway.job_id``."""
    return {_PREFIX + name: value for name, value in values.items()}


def headers() -> dict[str, str]:
    """Headers that make the receiver's spans children of the current span. Empty without a span."""
    if _provider is None:
        return {}
    from opentelemetry import propagate

    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


def parent(received: Iterable[tuple[str | bytes, str | bytes]]) -> context.Context | None:
    """Reads the sender's span from the headers of a request or message.

    Args:
        received: Names and values of the headers.

    Returns:
        The context to start spans in. None, the current one, while traces are off.
    """
    if _provider is None:
        return None
    from opentelemetry import propagate

    return propagate.extract({_text(name).lower(): _text(value) for name, value in received})


def within(span: trace.Span) -> contextvars.Context:
    """A copy of the current context in which `span` is the current one, to start tasks in."""
    copy = contextvars.copy_context()
    copy.run(context.attach, trace.set_span_in_context(span))
    return copy


def end(span: trace.Span) -> None:
    """Ends a span that may have ended already."""
    if span.is_recording():
        span.end()


def _text(part: str | bytes) -> str:
    return part if isinstance(part, str) else part.decode("latin-1")
