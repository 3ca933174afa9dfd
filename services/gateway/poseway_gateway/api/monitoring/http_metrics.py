"""Metrics and traces of HTTP requests."""

import time
from typing import Any, Final

from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poseway.telemetry import traces

_NO_ROUTE: Final = "none"

_REQUESTS: Final = Counter(
    "poseway_http_requests",
    "Answered requests. Requests for no route of the API, such as the page's files, have the "
    "route none.",
    ["method", "route", "status"],
)
_SECONDS: Final = Histogram(
    "poseway_http_request_seconds",
    "Time until the response begins, including the time in which an upload arrives.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900),
)


class HttpMetrics:
    """Measures all requests and traces those for the API; a plain ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        response = _Response(send)
        try:
            if scope["path"].startswith("/v1/"):
                await self._traced(scope, receive, response)
            else:
                await self._app(scope, receive, response.send)
        finally:
            response.count(scope["method"], _route(scope))

    async def _traced(self, scope: Scope, receive: Receive, response: "_Response") -> None:
        method = scope["method"]
        parent = traces.parent(scope["headers"])
        with traces.tracer.start_as_current_span(f"HTTP {method}", parent, SpanKind.SERVER) as span:
            try:
                await self._app(scope, receive, response.send)
            finally:
                # Never the path itself: ids, and the tokens of share links, are secrets.
                span.set_attributes(
                    traces.attributes(method=method, route=_route(scope), status=response.status)
                )


class _Response:
    """Measures one response while it is sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._began = self._answered = time.perf_counter()
        # An exception becomes this response in an outer middleware.
        self.status = 500

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._answered = time.perf_counter()
        await self._send(message)

    def count(self, method: str, route: str) -> None:
        if method not in _METHODS:
            method = "other"
        _REQUESTS.labels(method, route, self.status).inc()
        _SECONDS.labels(method, route).observe(self._answered - self._began)


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _route(scope: Scope) -> str:
    """Returns the path template of a request's route."""
    path: Any = getattr(scope.get("route"), "path", None)
    return str(path) if path else _NO_ROUTE
