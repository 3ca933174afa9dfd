"""Whose job is next: of those who have jobs on the queue, each in turn.

The queue delivers in the order in which jobs were accepted, so somebody with 400 of them would be
served for as long as these take. A dispatcher that is given a job of somebody whose turn it is not
hands that back at once, and does the first job of the one whose turn it is, out of the queue's
order. Each dispatcher goes by whom it served itself: where all take turns, so do they together.
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
from poseway_gateway.dispatcher.lease import DEFAULT_TERMS, LeaseTerms

log = structlog.get_logger(__name__)

_LOOKS: Final = 50
"""Jobs of one owner that are looked at; those in front may all be in hand."""


class FairOrder:
    """Chooses jobs for one dispatcher. For one event loop."""

    def __init__(
        self, store: ObjectStore, queue: JobQueue, lease_terms: LeaseTerms = DEFAULT_TERMS
    ) -> None:
        self._store = store
        self._queue = queue
        self._lease_terms = lease_terms
        # Some bytes for each key that ever had a job. Who had none yet comes first.
        self._served: dict[str, int] = {}
        self._number = count(1)

    async def choose(self, delivered: Delivery) -> Delivery | EarlyDelivery:
        """What to do now that a job was delivered: that one, or another that comes first."""
        early: EarlyDelivery | None = None
        try:
            async with delivered.heartbeats():
                early = await self._before(delivered.owner)
        except UnavailableError as error:
            log.warning("fair order unavailable", reason=error.message)
        if early is None:
            return delivered
        # Somebody else may take it at once.
        await delivered.hand_back()
        return early

    async def begin(self, job: Delivery | EarlyDelivery, record: JobRecord) -> None:
        """Begins a job that was chosen, which is its owner's turn.

        What was removed or has ended, or another is at it, is not begun and is no turn.
        """
        await asyncio.to_thread(record.begin, alone=isinstance(job, EarlyDelivery))
        self.served(job.owner)

    def served(self, owner: str) -> None:
        """Has it that others come before an owner now."""
        self._served[owner] = next(self._number)

    async def _before(self, owner: str) -> EarlyDelivery | None:
        """A job of somebody who was served longer ago than `owner`, if there is one."""
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
        """The first job of an owner that nobody is at."""
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
            return True  # it was removed, and can be taken off the queue
        except ValidationError:
            return False  # a newer version wrote it, and does it
        return record.is_free()
