"""Age of the oldest job that has not started."""

import asyncio

from pydantic import ValidationError

from poseway.errors import NotFoundError
from poseway.jobs import JobState
from poseway.messaging.job_queue import JobQueue
from poseway_gateway.api.jobs.repository import JobRepository


class QueueAge:
    """Finds the oldest job on the queue that has not started.

    A job may already be done while its message is still on the queue, so the age comes from the
    job's record rather than from the queue.
    """

    def __init__(self, repository: JobRepository) -> None:
        self._repository = repository
        # Jobs on the queue that have started, and whose records need not be read again.
        self._started: set[str] = set()

    async def longest(self, queue: JobQueue) -> float:
        """Returns the age of the oldest job that has not started, in seconds; 0 if there is none.

        Reads the record of each job that has started since the last call.

        Raises:
            UnavailableError: The queue or object storage cannot be reached.
        """
        started = set()
        try:
            async for job in queue.jobs():
                known = job.job_id in self._started
                if not known and await asyncio.to_thread(self._is_queued, job.job_id):
                    return job.age_seconds
                started.add(job.job_id)
        finally:
            self._started = started
        return 0.0

    def _is_queued(self, job_id: str) -> bool:
        try:
            return self._repository.job(job_id).state is JobState.QUEUED
        except NotFoundError:
            return False  # the job was removed
        except ValidationError:
            return True  # a newer version recorded it; this one cannot tell, so it counts
