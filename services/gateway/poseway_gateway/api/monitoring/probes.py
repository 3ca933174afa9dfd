"""Metrics of the queue and of object storage, measured periodically."""

import asyncio
from collections.abc import Awaitable
from typing import Final

import structlog
from prometheus_client import Gauge

from poseway.errors import PosewayError
from poseway.messaging.job_queue import JobQueue
from poseway_gateway.api.monitoring.queue_age import QueueAge
from poseway_gateway.api.monitoring.storage_probe import StorageProbe

log = structlog.get_logger(__name__)

_INTERVAL_SECONDS: Final = 5.0

_JOBS: Final = Gauge(
    "poseway_jobs",
    "Unfinished jobs by state. Jobs taken out of order count as queued, jobs handed back as "
    "running. Every gateway reports the same value.",
    ["state"],
)
_QUEUE_AGE: Final = Gauge(
    "poseway_queue_age_seconds",
    "Age of the oldest job that has not started; 0 if there is none. Every gateway reports the "
    "same value.",
)
_WEBHOOKS: Final = Gauge(
    "poseway_webhooks_pending",
    "Webhooks that have not been delivered yet. Every gateway reports the same value.",
)
_REACHABLE: Final = Gauge(
    "poseway_reachable", "Whether the gateway reaches the queue and object storage.", ["what"]
)


async def probe_forever(
    connecting: asyncio.Task[JobQueue], storage_probe: StorageProbe, age: QueueAge
) -> None:
    """Measures every few seconds until cancelled, so that scraping metrics costs nothing."""
    while True:
        queue = await _probe("queue", _measure_queue(connecting))
        storage = await _probe("storage", storage_probe.check())
        if queue and storage:
            await _measure_age(age.longest(connecting.result()))
        await asyncio.sleep(_INTERVAL_SECONDS)


async def _measure_age(age: Awaitable[float]) -> None:
    # On failure, the last value remains.
    try:
        async with asyncio.timeout(_INTERVAL_SECONDS):
            _QUEUE_AGE.set(await age)
    except (PosewayError, TimeoutError) as error:
        log.warning("queue age not measured", error=str(error))
    except Exception:
        log.exception("probe failed", what="age")


async def _probe(what: str, check: Awaitable[None]) -> bool:
    """Runs a check, and records and returns whether it succeeds."""
    try:
        async with asyncio.timeout(_INTERVAL_SECONDS):
            await check
    except (PosewayError, TimeoutError):
        _REACHABLE.labels(what).set(0)
    except Exception:
        # The loop continues: if it ended, metrics would stop changing unnoticed.
        log.exception("probe failed", what=what)
        _REACHABLE.labels(what).set(0)
    else:
        _REACHABLE.labels(what).set(1)
        return True
    return False


async def _measure_queue(connecting: asyncio.Task[JobQueue]) -> None:
    queue = await asyncio.shield(connecting)
    jobs, webhooks = await queue.backlog(), await queue.endings_backlog()
    _JOBS.labels("queued").set(jobs.waiting)
    _JOBS.labels("running").set(jobs.taken)
    _WEBHOOKS.set(webhooks.waiting + webhooks.taken)
