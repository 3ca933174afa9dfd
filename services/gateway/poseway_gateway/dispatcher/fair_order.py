"""Fair order: owners with queued jobs are served alternately.

The queue delivers jobs in the order of their acceptance, so an owner with 400 jobs would keep all
others waiting. If the delivered job belongs to an owner who was served more recently than another,
the dispatcher hands it back at once and takes the first job of that other owner, out of the queue's
order. Each dispatcher only knows whom it served itself. If every dispatcher alternates, so do all
of them together.
"""

import asyncio
from itertools import count
from typing import Final

import structlog
from pydantic import ValidationError

from poseway.errors import NotFoundError, UnavailableError
from poseway.messaging.delivery import Delivery, EarlyDelivery
from poseway.messaging.job_queue import JobQueue
from poseway.storage import ObjectStore
from poseway_gateway.dispatcher.job_record import JobRecord
from poseway_gateway.dispatcher.lease_terms import DEFAULT_TERMS, LeaseTerms

log = structlog.get_logger(__name__)

_LOOKS: Final = 50
"""Jobs of one owner that are examined: the first ones may all be in progress."""


class FairOrder:
    """Chooses jobs for one dispatcher. For one event loop."""

    def __init__(
        self, store: ObjectStore, queue: JobQueue, lease_terms: LeaseTerms = DEFAULT_TERMS
    ) -> None:
        self._store = store
        self._queue = queue
        self._lease_terms = lease_terms
        # When each owner was last served, a few bytes each. Owners not yet served come first.
        self._served: dict[str, int] = {}
        self._number = count(1)

    async def choose(self, delivered: Delivery) -> Delivery | EarlyDelivery:
        """Returns the job to run: the delivered one, or another owner's that comes first."""
        early: EarlyDelivery | None = None
        try:
            async with delivered.heartbeats():
                early = await self._before(delivered.owner)
        except UnavailableError as error:
            log.warning("fair order unavailable", reason=error.message)
        if early is None:
            return delivered
        # Another dispatcher may take it at once.
        await delivered.hand_back()
        return early

    async def begin(self, job: Delivery | EarlyDelivery, record: JobRecord) -> None:
        """Leases a chosen job and counts its owner as served.

        Not called for a job that was removed, has ended or is already being worked on: such a job
        does not use up its owner's turn.
        """
        await asyncio.to_thread(record.begin, alone=isinstance(job, EarlyDelivery))
        self.served(job.owner)

    def served(self, owner: str) -> None:
        """Records that an owner was served just now."""
        self._served[owner] = next(self._number)

    async def _before(self, owner: str) -> EarlyDelivery | None:
        """A job of an owner who was served longer ago than `owner`; None if there is none."""
        own = self._served.get(owner, 0)
        waiting = [(self._served.get(other, 0), other) for other in await self._queue.owners()]
        for served, other in sorted(waiting):
            if served >= own:
                break
            early = await self._first(other)
            if early is not None:
                return early
        return None

    async def _first(self, owner: str) -> EarlyDelivery | None:
        """The first job of an owner that is not being worked on; None if there is none."""
        looked = 0
        async for early in self._queue.jobs_of(owner):
            if await asyncio.to_thread(self._is_free, early.job_id):
                return early
            looked += 1
            if looked == _LOOKS:
                break
        return None

    def _is_free(self, job_id: str) -> bool:
        record = JobRecord(self._store, job_id, self._lease_terms)
        try:
            record.load()
        except NotFoundError:
            return True  # it was removed and can be taken off the queue
        except ValidationError:
            return False  # a newer version wrote it and will run it
        return record.is_free()
