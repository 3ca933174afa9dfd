"""What the gateway tells of itself: its answers, what waits on the queue, whom it can reach."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, Final

import structlog
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poseway.errors import PosewayError
from poseway.messaging.job_queue import JobQueue
from poseway.telemetry import traces
from poseway_gateway.api.monitoring.queue_age import QueueAge
from poseway_gateway.api.monitoring.storage_probe import StorageProbe

log = structlog.get_logger(__name__)

_EVERY_SECONDS: Final = 5.0
_NO_ROUTE: Final = "none"

_REQUESTS: Final = Counter(
    "poseway_http_requests",
    "Requests that were answered; those for no route of the API, such as the page's files, have "
    "the route none.",
    ["method", "route", "status"],
)
_SECONDS: Final = Histogram(
    "poseway_http_request_seconds",
    "Time until an answer begins, that of an upload's arrival included.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900),
)
_JOBS: Final = Gauge(
    "poseway_jobs",
    "Jobs that have not ended: queued, which ones done out of the queue's order are too, or "
    "running, which ones handed back are too. Every gateway says the same.",
    ["state"],
)
_QUEUE_AGE: Final = Gauge(
    "poseway_queue_age_seconds",
    "How long the oldest job has waited that nobody has begun; 0 if there is none. Every gateway "
    "says the same.",
)
_WEBHOOKS: Final = Gauge(
    "poseway_webhooks_pending",
    "Webhooks not delivered yet. Every gateway says the same.",
)
_REACHABLE: Final = Gauge(
    "poseway_reachable", "Whether the gateway reaches the queue and object storage.", ["what"]
)


class HttpMetrics:
    """Measures and traces the requests for the API; a plain ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            if scope["path"].startswith("/v1/"):
                await self._traced(scope, receive, answer)
            else:
                await self._app(scope, receive, answer.send)
        finally:
            answer.count(scope["method"], _route(scope))

    async def _traced(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        method = scope["method"]
        parent = traces.parent(scope["headers"])
        with traces.tracer.start_as_current_span(f"HTTP {method}", parent, SpanKind.SERVER) as span:
            try:
                await self._app(scope, receive, answer.send)
            finally:
                # Never the path itself: ids and what shared links are signed with are secrets.
                span.set_attributes(
                    traces.attributes(method=method, route=_route(scope), status=answer.status)
                )


class _Answer:
    """An answer on its way."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._began = self._answered = time.perf_counter()
        # What is raised becomes this answer, further out.
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
    """The path of a request's route, with its parameters' names."""
    path: Any = getattr(scope.get("route"), "path", None)
    return str(path) if path else _NO_ROUTE


async def probe_forever(
    connecting: asyncio.Task[JobQueue], storage_probe: StorageProbe, waiting: QueueAge
) -> None:
    """Looks every few seconds until it is cancelled, so that asking for metrics costs nothing."""
    while True:
        queue = await _tell("queue", _look_at_queue(connecting))
        storage = await _tell("storage", storage_probe.check())
        if queue and storage:
            await _tell_age(waiting.longest(connecting.result()))
        await asyncio.sleep(_EVERY_SECONDS)


async def _tell_age(looking: Awaitable[float]) -> None:
    # If it cannot be told just now, what was told before still stands.
    try:
        async with asyncio.timeout(_EVERY_SECONDS):
            _QUEUE_AGE.set(await looking)
    except (PosewayError, TimeoutError) as error:
        log.warning("age not known", error=str(error))
    except Exception:
        log.exception("cannot tell", what="age")


async def _tell(what: str, looking: Awaitable[None]) -> bool:
    """Tells whether something is reached, and returns it."""
    try:
        async with asyncio.timeout(_EVERY_SECONDS):
            await looking
    except (PosewayError, TimeoutError):
        _REACHABLE.labels(what).set(0)
    except Exception:
        # Not the end of looking: nobody would notice that the figures stand still.
        log.exception("cannot tell", what=what)
        _REACHABLE.labels(what).set(0)
    else:
        _REACHABLE.labels(what).set(1)
        return True
    return False


async def _look_at_queue(connecting: asyncio.Task[JobQueue]) -> None:
    queue = await asyncio.shield(connecting)
    jobs, webhooks = await queue.backlog(), await queue.endings_backlog()
    _JOBS.labels("queued").set(jobs.waiting)
    _JOBS.labels("running").set(jobs.taken)
    _WEBHOOKS.set(webhooks.waiting + webhooks.taken)
