"""What is done with the news besides sending them on."""

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

_EVERY_SECONDS: Final = 5.0
_SILENT_SECONDS: Final = 15.0
_AT_ONCE: Final = 20


async def follow(
    hub: Hub, connecting: asyncio.Task[JobQueue], repository: JobRepository, listing: Listing
) -> None:
    """Runs the hub until it is cancelled, and sees to it that it ends up knowing what is true."""

    def forget(news: StatusChange) -> None:
        if isinstance(news.content, Gone):
            listing.forget(news.job_id)

    hub.on_news = forget
    async with asyncio.TaskGroup() as group:
        group.create_task(hub.run(connecting))
        group.create_task(_settle(hub, connecting, repository))


async def _settle(hub: Hub, connecting: asyncio.Task[JobQueue], repository: JobRepository) -> None:
    """Asks the record about jobs that were not heard of for a while: messages can be lost."""
    queue = await asyncio.shield(connecting)
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        for news in hub.doubtful(_SILENT_SECONDS, _AT_ONCE):
            try:
                await _make_up(news, queue, repository)
            except PosewayError:
                continue
            except Exception:
                # Such as a record that cannot be read: all other jobs are to be heard of.
                log.exception("the record was not understood", job=news.job_id)


async def _make_up(news: StatusChange, queue: JobQueue, repository: JobRepository) -> None:
    """Tells how a job stands if that was told otherwise last."""
    status = await asyncio.to_thread(repository.status, news.job_id)
    changed = isinstance(news.content, JobStatus) and status.state is not news.content.state
    if changed and status.state is not JobState.QUEUED:
        log.info("a message was lost", job=news.job_id, state=status.state)
        await queue.report(news.job_id, status.model_dump_json().encode())
