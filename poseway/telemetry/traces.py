"""Traces: which work of which service belongs to what, and how long each took.

Where they are off, nothing that makes or sends them is imported, and a span does nothing.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from poseway.telemetry.otel import Tracing

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool

STOP_SECONDS: Final = 5.0
"""The process ends then, whether everything was sent or not."""


class Span:
    """A piece of work. This one is of no trace; see `poseway.telemetry.otel`."""

    def set(self, **attributes: Value) -> None:
        """Says more of it; ``job_id`` becomes ``poseway.job_id``."""

    def fail(self, why: str) -> None:
        """Says that it did not work."""

    def headers(self) -> dict[str, str]:
        """What to send along, so that work elsewhere becomes a part of this."""
        return {}

    def context(self) -> Context | None:
        """What tasks are to run in whose spans are to be parts of this; None: as they are."""
        return None

    def end(self) -> None:
        """It is over; safe to repeat."""


_NO_SPAN: Final = Span()
_NOWHERE: Final = nullcontext(_NO_SPAN)
_tracing: "Tracing | None" = None


def start(service: str, endpoint: str) -> None:
    """Begins to trace.

    Args:
        service: Name of the service.
        endpoint: Address of a collector that takes OTLP over HTTP, with or without a path.
    """
    global _tracing
    from poseway.telemetry.otel import Tracing

    _tracing = Tracing(service, endpoint)


def stop() -> None:
    """Sends what was not sent yet, within `STOP_SECONDS`; safe to repeat."""
    global _tracing
    tracing, _tracing = _tracing, None
    if tracing is not None:
        tracing.stop(STOP_SECONDS)


def span(
    name: str,
    kind: Kind = "internal",
    parent: Mapping[str, str] | None = None,
    **attributes: Value,
) -> AbstractContextManager[Span]:
    """A span for as long as a block runs; what is raised there makes it a failure.

    Spans that begin in the block, in its thread or task or one that began there, are parts of it.

    Args:
        name: One of few: what is special of this piece of work is in its attributes.
        kind: On which side of what it is.
        parent: What came with the request for this work; None: the span that is open.
        attributes: See `Span.set`.
    """
    return _NOWHERE if _tracing is None else _tracing.span(name, kind, parent, attributes)


def begin(
    name: str,
    kind: Kind = "internal",
    parent: Mapping[str, str] | None = None,
    **attributes: Value,
) -> Span:
    """A span that whoever begins it ends, and that others are parts of only where they are told."""
    return _NO_SPAN if _tracing is None else _tracing.begin(name, kind, parent, attributes)


def current() -> Span:
    """The span that is open."""
    return _NO_SPAN if _tracing is None else _tracing.current()


def headers() -> dict[str, str]:
    """What to send along with a request, so that work for it becomes a part of the open span."""
    return current().headers()


def carried(pairs: Iterable[tuple[str | bytes, str | bytes]]) -> dict[str, str]:
    """The headers of a request as `span` takes them; empty where nothing is traced."""
    if _tracing is None:
        return {}
    return {_text(name).lower(): _text(value) for name, value in pairs}


def _text(part: str | bytes) -> str:
    return part if isinstance(part, str) else part.decode("latin-1")
