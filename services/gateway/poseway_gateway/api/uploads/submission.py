"""What both ways of uploading end in: a job that is recorded and queued."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import prometheus_client
import structlog

from poseway.errors import ConflictError, NotFoundError, PosewayError
from poseway.jobs import Job, JobRequest, JobState, JobStatus, Keys
from poseway.messaging.job_queue import JobQueue
from poseway.storage import ObjectStore
from poseway_gateway.api.access.caller import Caller
from poseway_gateway.api.jobs.job_view import view
from poseway_gateway.api.jobs.repository import JobRepository
from poseway_gateway.api.uploads.idempotency import IdempotencyStore

log = structlog.get_logger(__name__)

_ACCEPTED: Final = prometheus_client.Counter(
    "poseway_jobs_accepted", "Jobs that were taken and queued."
)


class Submission:
    """Takes jobs whose upload is complete. For one event loop."""

    def __init__(self, store: ObjectStore, repository: JobRepository, queue: JobQueue) -> None:
        self._store = store
        self._repository = repository
        self._queue = queue
        self.memory = IdempotencyStore(store)

    async def accept(
        self, request: JobRequest, caller: Caller, *, repeatable: bool, charged: bool = False
    ) -> Job:
        """Records a job and queues it.

        Args:
            request: The job.
            caller: Whose it is.
            repeatable: Whether the same request may come again, and become `earlier` then.
            charged: Whether it was charged before.

        Raises:
            AccessError: It is more than the caller may ask for.
            ConflictError: There is this job already.
            UnavailableError: It is not queued for certain. If the request is `repeatable`, the job
                waits for that; else nothing of it stays but its upload.
        """
        if not charged:
            await caller.charge(request.size)
        try:
            job = await asyncio.to_thread(self._repository.add, request)
            # First: else it could come after what a dispatcher tells of the job.
            await self._queue.report(request.id, JobStatus().model_dump_json().encode())
            await self._publish(request)
        except PosewayError as error:
            # A repetition, maybe at another gateway, may have been told that it is accepted.
            kept = repeatable and await asyncio.to_thread(self.knows, request.id)
            if not kept and not isinstance(error, ConflictError):
                await asyncio.to_thread(self._repository.forget, request)
                await self._queue.report_gone(request.id, request.owner)
            if not kept and not charged:
                await caller.refund(request.size)
            raise
        _ACCEPTED.inc()
        log.info("accepted", job=request.id, name=request.name, bytes=request.size)
        return job

    async def earlier(self, job_id: str) -> Job:
        """The job that a request became when it came before."""
        request = await asyncio.to_thread(self._repository.request, job_id)
        job = view(request, await asyncio.to_thread(self._repository.status, job_id))
        if job.state is JobState.QUEUED:
            # Whoever recorded it may have died before queueing it; twice on the queue is once done.
            await self._publish(request)
        return job

    def knows(self, job_id: str) -> bool:
        """Whether there is a job of this id."""
        try:
            self._repository.request(job_id)
        except NotFoundError:
            return False
        return True

    async def _publish(self, request: JobRequest) -> None:
        # By another name each time: the queue would take a second attempt for the first, which may
        # have come and gone while the job was not recorded.
        await self._queue.publish(request.id, request.owner, secrets.token_hex(4))

    async def drop(self, job_id: str) -> None:
        """Deletes an upload unless a job came of it."""
        if not await asyncio.to_thread(self.knows, job_id):
            await asyncio.to_thread(self._store.delete, Keys(job_id).upload)

    async def forget(self, owner: str, key: str | None) -> None:
        """Takes the claim of a request back that came to nothing."""
        if key is not None:
            await asyncio.to_thread(self.memory.forget, owner, key)

    @asynccontextmanager
    async def claimed(
        self,
        caller: Caller,
        key: str | None,
        job_id: str,
        asked: str,
        exists: Callable[[str], bool],
    ) -> AsyncIterator[str]:
        """Which job a request is, for the block that makes it; forgotten if it makes none.

        Args:
            caller: Who asks.
            key: The request's ``Idempotency-Key``, if any.
            job_id: Id of the job if the request is new.
            asked: Fingerprint of the request.
            exists: Whether what an id is of was made.
        """
        if key is None:
            yield job_id
            return
        memory, owner = self.memory, caller.owner
        known = await asyncio.to_thread(memory.claim, owner, key, job_id, asked, exists)
        try:
            yield known
        except BaseException:
            if known == job_id:
                await asyncio.shield(
                    asyncio.to_thread(self._forget_unless, exists, job_id, owner, key)
                )
            raise

    def _forget_unless(
        self, exists: Callable[[str], bool], job_id: str, owner: str, key: str
    ) -> None:
        if not exists(job_id):
            self.memory.forget(owner, key)
