"""Delivers webhooks from their queue, with retries."""

import asyncio
from bisect import bisect_right
from itertools import accumulate
from typing import Final

import httpx
import prometheus_client
import structlog
from opentelemetry.trace import SpanKind

from poseway.errors import NotFoundError
from poseway.jobs import now
from poseway.messaging.delivery import Delivery
from poseway.messaging.job_queue import JobQueue
from poseway.telemetry import traces
from poseway_gateway.api.access.tokens import Signatures
from poseway_gateway.api.jobs.job_view import view
from poseway_gateway.api.jobs.repository import JobRepository
from poseway_gateway.api.webhooks import payload
from poseway_gateway.api.webhooks.sender import BusyError, WebhookSender
from poseway_gateway.api.webhooks.ssrf_guard import RefusedError

log = structlog.get_logger(__name__)

_SENT: Final = prometheus_client.Counter(
    "poseway_webhooks", "Attempts to deliver a webhook, by result.", ["result"]
)
for _result in ("delivered", "failed", "given_up"):
    _SENT.labels(_result)
_PAUSES: Final = (5, 30, 120, 600, 3600, 7200, 14_400)
"""Seconds until the next attempt after each failed one; the last value repeats."""
_AGES: Final = tuple(accumulate(_PAUSES))
_BUSY_SECONDS: Final = (5, 60)
_GIVE_UP_SECONDS: Final = 86_400
_MAX_CONCURRENT: Final = 16


def pause_after(deliveries: int, age_seconds: float) -> int:
    """Returns the seconds until the next attempt.

    Args:
        deliveries: Deliveries from the queue, including those handed back without an attempt.
        age_seconds: Seconds since the job ended, which bound the number of attempts that can have
            failed so far.
    """
    return _PAUSES[min(deliveries - 1, bisect_right(_AGES, age_seconds), len(_PAUSES) - 1)]


def _until_free(age_seconds: float) -> float:
    """Returns the seconds until a busy host is tried again, which grow with the age."""
    least, most = _BUSY_SECONDS
    return min(most, max(least, age_seconds / 10))


class WebhookDelivery:
    """Delivers webhooks, several at once."""

    def __init__(
        self, repository: JobRepository, signatures: Signatures, sender: WebhookSender
    ) -> None:
        self._repository = repository
        self._signatures = signatures
        self._sender = sender

    async def run(self, connecting: asyncio.Task[JobQueue], stopping: asyncio.Event) -> None:
        """Delivers until `stopping` is set or the task is cancelled."""
        queue = await asyncio.shield(connecting)
        slots = asyncio.Semaphore(_MAX_CONCURRENT)
        async with asyncio.TaskGroup() as group:
            async for delivery in queue.endings(stopping):
                await slots.acquire()
                task = group.create_task(self._deliver(delivery))
                task.add_done_callback(lambda _: slots.release())

    async def _deliver(self, delivery: Delivery) -> None:
        """Makes one attempt; its failure does not affect other deliveries."""
        with (
            structlog.contextvars.bound_contextvars(job=delivery.job_id),
            traces.tracer.start_as_current_span(
                "webhook",
                traces.parent(delivery.headers.items()),
                SpanKind.CONSUMER,
                traces.attributes(job_id=delivery.job_id),
            ),
        ):
            try:
                why = await self._attempt(delivery)
            except BusyError:
                await delivery.hand_back(delay=_until_free(delivery.age_seconds))
                return
            except NotFoundError:
                log.info("job removed before its webhook was delivered")
                await delivery.done()
                return
            except Exception as error:
                log.exception("webhook failed unexpectedly")
                why = type(error).__name__
            if why is None:
                _SENT.labels("delivered").inc()
                await delivery.done()
            elif delivery.age_seconds > _GIVE_UP_SECONDS:
                _SENT.labels("given_up").inc()
                log.error("webhook given up", why=why, attempts=delivery.attempt)
                await delivery.done()
            else:
                _SENT.labels("failed").inc()
                pause = pause_after(delivery.attempt, delivery.age_seconds)
                log.warning("webhook not delivered", why=why, again_in_seconds=pause)
                await delivery.hand_back(delay=pause)

    async def _attempt(self, delivery: Delivery) -> str | None:
        """Sends the webhook of a job; returns the reason if it fails, else None."""
        request = await asyncio.to_thread(self._repository.request, delivery.job_id)
        status = await asyncio.to_thread(self._repository.status, delivery.job_id)
        if request.webhook_url is None:
            return None
        if not status.state.finished:
            return "the job has not ended"
        content = payload.body(view(request, status), now())
        secret = await self._signatures.webhook_secret(request.owner)
        headers = payload.headers(secret, request.id, now(), content)
        try:
            answer = await self._sender.send(request.webhook_url, content, headers)
        except (RefusedError, httpx.HTTPError, OSError, UnicodeError) as error:
            return f"{type(error).__name__}: {error}"
        if httpx.codes.is_success(answer):
            log.info("webhook delivered", attempts=delivery.attempt)
            return None
        return f"the response is {answer}"
