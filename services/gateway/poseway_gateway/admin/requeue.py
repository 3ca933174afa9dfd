"""``python -m poseway_gateway.admin.requeue``: puts unfinished jobs back on the queue.

Run it if the queue has lost its data; object storage is the record of all jobs. A job that is still
on the queue is merely delivered twice, which does no harm.
"""

import asyncio
import secrets

import structlog

from poseway.jobs import JobRequest
from poseway.messaging.job_queue import JobQueue
from poseway.settings import QueueSettings, Settings, StorageSettings
from poseway.storage import ObjectStore
from poseway.telemetry import logs
from poseway_gateway.api.jobs.listing import JobFilter, Listing
from poseway_gateway.api.jobs.repository import JobRepository

log = structlog.get_logger(__name__)


class RequeueSettings(Settings, StorageSettings, QueueSettings):
    """Environment variables ``POSEWAY_*`` of the command."""


async def requeue(settings: RequeueSettings) -> int:
    """Publishes all queued or running jobs, oldest first, and returns their number."""
    store = ObjectStore(settings)
    repository = JobRepository(store)
    listing = Listing(store, repository)
    queue = await JobQueue.connect(settings)
    unfinished: list[JobRequest] = []
    after: str | None = ""
    while after is not None:
        jobs, after = await asyncio.to_thread(listing.page, "", 100, after, JobFilter())
        for job in jobs:
            request = repository.known(job.id)
            if request is not None and not job.state.finished:
                unfinished.append(request)
    attempt = secrets.token_hex(4)
    for request in reversed(unfinished):
        await queue.publish(request.id, request.owner, attempt)
    await queue.close()
    log.info("requeued", jobs=len(unfinished))
    return len(unfinished)


if __name__ == "__main__":
    requeue_settings = RequeueSettings()
    logs.start("requeue", requeue_settings.log_level)
    asyncio.run(requeue(requeue_settings))
