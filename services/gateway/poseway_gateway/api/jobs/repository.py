"""The records of jobs in object storage."""

import threading
from collections import OrderedDict
from typing import Final

from pydantic import TypeAdapter, ValidationError

from poseway.errors import NotFoundError
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, JobId, JobRequest, JobState, JobStatus, Keys
from poseway.storage import ObjectStore
from poseway_gateway.api.jobs.job_view import view

_JOB_ID: Final[TypeAdapter[str]] = TypeAdapter(JobId)
_CACHED_REQUESTS: Final = 5000


class JobRepository:
    """Adds, reads, cancels and removes the records of jobs. Thread-safe."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._requests: OrderedDict[str, JobRequest] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, request: JobRequest) -> Job:
        """Records a job whose upload is complete.

        Raises:
            ConflictError: The job exists already.
        """
        if request.owner:
            # The list entry comes first: lists skip an entry without a job, but would never show a
            # job without an entry.
            self._store.put(_list_entry(request.owner, request.id), b"", "application/octet-stream")
        data = request.model_dump_json().encode()
        self._store.put(Keys(request.id).request, data, "application/json", if_absent=True)
        return view(request, JobStatus())

    def forget(self, request: JobRequest) -> None:
        """Undoes `add` for a job that was not accepted."""
        self._store.delete_prefix(Keys(request.id).record)
        if request.owner:
            self._store.delete(_list_entry(request.owner, request.id))

    def request(self, job_id: str) -> JobRequest:
        """Returns the request of a job.

        Raises:
            NotFoundError: There is no such job.
        """
        try:
            data, _ = self._store.get(Keys(_JOB_ID.validate_python(job_id)).request)
        except (NotFoundError, ValidationError):
            raise no_such_job(job_id) from None
        request = JobRequest.model_validate_json(data)
        with self._lock:
            self._requests[job_id] = request
            if len(self._requests) > _CACHED_REQUESTS:
                self._requests.popitem(last=False)
        return request

    def known(self, job_id: str) -> JobRequest | None:
        """Returns the request of a job from the cache; the job may have been removed since."""
        return self._requests.get(job_id)

    def status(self, job_id: str) -> JobStatus:
        """Returns the status of a job."""
        keys = Keys(job_id)
        try:
            status = JobStatus.model_validate_json(self._store.get(keys.status)[0])
        except NotFoundError:
            status = JobStatus()
        # A queued job has no dispatcher that would have to stop first: it is cancelled at once.
        if status.state is JobState.QUEUED and self._store.exists(keys.cancel):
            return status.ended(JobState.CANCELLED)
        progress = status.progress
        if status.state is JobState.SUCCEEDED and progress.frames_done != progress.frames_total:
            return status.ended(status.state, frames=self._frames(keys))
        return status

    def _frames(self, keys: Keys) -> int | None:
        """Returns how many frames a result has; None if its manifest does not record it."""
        try:
            return Manifest.model_validate_json(self._store.get(keys.manifest)[0]).frames
        except (NotFoundError, ValidationError):
            return None

    def job(self, job_id: str) -> Job:
        """Returns a job as the API shows it.

        Raises:
            NotFoundError: There is no such job.
        """
        return view(self.request(job_id), self.status(job_id))

    def cancel_or_remove(self, job_id: str) -> Job | None:
        """Removes a finished job with its result, or requests that an unfinished one be cancelled.

        Returns:
            The job if it was unfinished, None if it was removed.

        Raises:
            NotFoundError: There is no such job.
        """
        request = self.request(job_id)
        job = view(request, self.status(job_id))
        keys, owner = Keys(job_id), request.owner
        if job.state.finished:
            self._store.delete_prefix(keys.result)
            self._store.delete(keys.upload)
            self._store.delete_prefix(keys.record)
            if owner:
                self._store.delete(_list_entry(owner, job_id))
            return None
        self._store.put(keys.cancel, b"", "application/octet-stream")
        return job


def no_such_job(job_id: str) -> NotFoundError:
    """Returns the error for a job that does not exist or that the caller may not see."""
    return NotFoundError(f"There is no job {job_id[:64]!r}.", "job_not_found")


def _list_entry(owner: str, job_id: str) -> str:
    """Returns the key of the empty object that adds a job to its owner's list."""
    return f"owners/{owner}/{job_id}/job"
