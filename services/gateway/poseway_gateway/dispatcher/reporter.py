"""Reports a job's progress: to the status feed at once, to the job's record now and then."""

import asyncio
import time
from typing import Final

import structlog

from poseway.errors import UnavailableError
from poseway.jobs import Progress
from poseway.messaging.job_queue import JobQueue
from poseway_gateway.dispatcher.job_record import JobRecord

log = structlog.get_logger(__name__)

_RECORD_SECONDS: Final = 2.0
"""Shortest time between two writes of the record."""


class ProgressReporter:
    """Reports the progress of one attempt at a job."""

    def __init__(self, queue: JobQueue, record: JobRecord) -> None:
        self._queue = queue
        self._record = record
        self._written = 0.0

    async def report(self, progress: Progress) -> None:
        """Publishes progress, and writes it to the record if the last write is long enough ago.

        Raises:
            ConflictError: Another dispatcher took over the job.
        """
        self._record.reached = progress
        status = self._record.status.model_copy(update={"progress": progress})
        await self._queue.report(self._record.job_id, status.model_dump_json().encode())
        if time.monotonic() - self._written > _RECORD_SECONDS:
            self._written = time.monotonic()
            try:
                await asyncio.to_thread(self._record.renew)
            except UnavailableError as error:
                log.warning("progress not written", reason=error.message)
