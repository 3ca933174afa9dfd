"""Records and queues the job of an upload, whether it was a form or a multipart upload."""

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
    "poseway_jobs_accepted", "Jobs that were accepted and queued."
)


class Submission:
    """Submits jobs whose upload is complete. For one event loop."""

    def __init__(self, store: ObjectStore, repository: JobRepository, queue: JobQueue) -> None:
        self._store = store
        self._repository = repository
        self._queue = queue
        self._idempotency = IdempotencyStore(store)

    async def accept(
        self, request: JobRequest, caller: Caller, *, repeatable: bool, charged: bool = False
    ) -> Job:
        """Records a job and queues it.

        Args:
            request: The request of the job.
            caller: Caller who submits it.
            repeatable: Whether the client may repeat the request, which `earlier` then answers.
            charged: Whether the job was counted against the quota before.

        Raises:
            AccessError: The job exceeds the caller's quota.
            ConflictError: The job exists already.
            UnavailableError: The job may not be queued. If the request is `repeatable`, the record
                remains for a repetition; otherwise only the upload remains.
        """
        if not charged:
            await caller.charge(request.size)
        try:
            job = await asyncio.to_thread(self._repository.add, request)
            # Before publishing, so that it precedes the reports of the dispatcher.
            await self._queue.report(request.id, JobStatus().model_dump_json().encode())
            await self._publish(request)
        except PosewayError as error:
            # A repeated request, maybe at another gateway, may have been answered with this job.
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
        """Returns the job that an earlier, identical request created."""
        request = await asyncio.to_thread(self._repository.request, job_id)
        job = view(request, await asyncio.to_thread(self._repository.status, job_id))
        if job.state is JobState.QUEUED:
            # The gateway that recorded the job may have stopped before it queued it. Queueing a job
            # twice is harmless.
            await self._publish(request)
        return job

    def knows(self, job_id: str) -> bool:
        """Returns whether a job with this id exists."""
        try:
            self._repository.request(job_id)
        except NotFoundError:
            return False
        return True

    async def _publish(self, request: JobRequest) -> None:
        # With another message id each time: the queue would drop a second attempt as a duplicate of
        # the first, which may have been consumed before the job was recorded.
        await self._queue.publish(request.id, request.owner, secrets.token_hex(4))

    async def drop(self, job_id: str) -> None:
        """Deletes an upload unless it has become a job."""
        if not await asyncio.to_thread(self.knows, job_id):
            await asyncio.to_thread(self._store.delete, Keys(job_id).upload)

    async def forget(self, owner: str, key: str | None) -> None:
        """Releases the idempotency key of a request that failed, if any."""
        if key is not None:
            await asyncio.to_thread(self._idempotency.forget, owner, key)

    @asynccontextmanager
    async def claimed(
        self,
        caller: Caller,
        key: str | None,
        job_id: str,
        request_print: str,
        exists: Callable[[str], bool],
    ) -> AsyncIterator[str]:
        """Provides the id of a request's job, and releases the claim if the block creates none.

        Args:
            caller: Caller of the request.
            key: Idempotency key of the request, if any.
            job_id: Id of the job if the request is new.
            request_print: Fingerprint of the request.
            exists: Returns whether the job or upload of an id was created.

        Yields:
            `job_id`, or the id of the job that an earlier, identical request created.

        Raises:
            InvalidRequestError: The key was used for a different request.
            ConflictError: The same request is still being processed.
        """
        if key is None:
            yield job_id
            return
        idempotency, owner = self._idempotency, caller.owner
        known = await asyncio.to_thread(
            idempotency.claim, owner, key, job_id, request_print, exists
        )
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
            self._idempotency.forget(owner, key)
