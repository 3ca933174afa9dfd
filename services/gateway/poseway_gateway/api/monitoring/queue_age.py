"""How long whoever waits has waited."""

import asyncio

from pydantic import ValidationError

from poseway.errors import NotFoundError
from poseway.jobs import JobState
from poseway.messaging.job_queue import JobQueue
from poseway_gateway.api.jobs.repository import JobRepository


class QueueAge:
    """Looks for the oldest job on the queue that nobody has begun.

    A job may be done while its message still waits, so the queue cannot tell that: the record can.
    """

    def __init__(self, repository: JobRepository) -> None:
        self._repository = repository
        # Those on the queue that are not asked for again.
        self._begun: set[str] = set()

    async def longest(self, queue: JobQueue) -> float:
        """Seconds that it has waited; 0 if there is none.

        One request for each job in hand.

        Raises:
            UnavailableError: Queue or object storage cannot be asked.
        """
        begun = set()
        try:
            async for job in queue.jobs():
                known = job.job_id in self._begun
                if not known and await asyncio.to_thread(self._waits, job.job_id):
                    return job.age_seconds
                begun.add(job.job_id)
        finally:
            self._begun = begun
        return 0.0

    def _waits(self, job_id: str) -> bool:
        try:
            return self._repository.job(job_id).state is JobState.QUEUED
        except NotFoundError:
            return False  # it was removed
        except ValidationError:
            return True  # a newer version wrote it, and perhaps none is there to do it
