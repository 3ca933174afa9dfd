"""Keeps lists and event streams consistent with the records of jobs."""

import asyncio
from typing import Final

import structlog

from poseway.errors import PosewayError
from poseway.jobs import JobState, JobStatus
from poseway.messaging.job_queue import JobQueue
from poseway.messaging.status_feed import Gone, StatusChange
from poseway_gateway.api.events.hub import Hub
from poseway_gateway.api.jobs.listing import Listing
from poseway_gateway.api.jobs.repository import JobRepository

log = structlog.get_logger(__name__)

_INTERVAL_SECONDS: Final = 5.0
_SILENT_SECONDS: Final = 15.0
_MAX_JOBS: Final = 20


async def follow(
    hub: Hub, connecting: asyncio.Task[JobQueue], repository: JobRepository, listing: Listing
) -> None:
    """Runs the hub until cancelled, and corrects it where messages were lost."""

    def forget(change: StatusChange) -> None:
        if isinstance(change.content, Gone):
            listing.forget(change.job_id)

    hub.on_change = forget
    async with asyncio.TaskGroup() as group:
        group.create_task(hub.run(connecting))
        group.create_task(_reconcile_forever(hub, connecting, repository))


async def _reconcile_forever(
    hub: Hub, connecting: asyncio.Task[JobQueue], repository: JobRepository
) -> None:
    """Reads the records of jobs without recent changes, because messages can be lost."""
    queue = await asyncio.shield(connecting)
    while True:
        await asyncio.sleep(_INTERVAL_SECONDS)
        for change in hub.unconfirmed(_SILENT_SECONDS, _MAX_JOBS):
            try:
                await _report_missed(change, queue, repository)
            except PosewayError:
                continue
            except Exception:
                # One unreadable record must not stop the others from being checked.
                log.exception("job record cannot be read", job=change.job_id)


async def _report_missed(change: StatusChange, queue: JobQueue, repository: JobRepository) -> None:
    """Reports the status of a job if the latest change differs from its record."""
    status = await asyncio.to_thread(repository.status, change.job_id)
    changed = isinstance(change.content, JobStatus) and status.state is not change.content.state
    if changed and status.state is not JobState.QUEUED:
        log.info("lost status change reported again", job=change.job_id, state=status.state)
        await queue.report(change.job_id, status.model_dump_json().encode())
