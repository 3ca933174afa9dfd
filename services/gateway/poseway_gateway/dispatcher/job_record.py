"""A job's record in object storage, written only by the dispatcher that holds the lease."""

import secrets
import threading
from datetime import datetime
from typing import Any, Final

from poseway.errors import NotFoundError
from poseway.jobs import JobError, JobRequest, JobState, JobStatus, Keys, Progress, TimeSpan, now
from poseway.storage import ObjectStore
from poseway_gateway.dispatcher.checkpoint import Checkpoint
from poseway_gateway.dispatcher.lease_terms import DEFAULT_TERMS, LeaseTerms

_JSON = "application/json"

_ALONE: Final = "alone-"


class JobRecord:
    """The record of one job.

    Every write of the status is conditional on the ETag of the previous one. A dispatcher that has
    lost its lease, for example because it was frozen, gets a `ConflictError` and must stop.

    Attributes:
        status: Status as last written.
        reached: Current progress, which the next write of the status includes.
    """

    def __init__(
        self, store: ObjectStore, job_id: str, lease_terms: LeaseTerms = DEFAULT_TERMS
    ) -> None:
        self.job_id = job_id
        self._lease_terms = lease_terms
        self.keys = Keys(job_id)
        self.status = JobStatus()
        self.reached = Progress()
        self._created_at = now()
        self._store = store
        self._holder = secrets.token_hex(8)
        self._etag: str | None = None
        # Progress and checkpoints are written from different threads.
        self._writing = threading.Lock()

    def load(self) -> JobRequest:
        """Reads the request and the status of the job.

        Raises:
            NotFoundError: The job does not exist or was removed.
        """
        request, _ = self._store.get(self.keys.request)
        try:
            status, self._etag = self._store.get(self.keys.status)
            self.status = JobStatus.model_validate_json(status)
            self.reached = self.status.progress
        except NotFoundError:
            self._etag = None
        asked = JobRequest.model_validate_json(request)
        self._created_at = asked.created_at
        return asked

    @property
    def age_seconds(self) -> float:
        """Seconds since the job was accepted."""
        return max(0.0, (now() - self._created_at).total_seconds())

    def cancelled(self) -> bool:
        """Whether cancelling the job was requested."""
        return self._store.exists(self.keys.cancel)

    def leased_by_another(self) -> bool:
        """Whether another dispatcher holds a valid lease on the job."""
        status = self.status
        if status.state is not JobState.RUNNING or status.updated_at is None:
            return False
        if status.holder in (None, self._holder):
            return False
        terms = self._lease_terms
        silence = terms.early if status.holder.startswith(_ALONE) else terms.delivered
        return now() - status.updated_at < silence

    def is_free(self) -> bool:
        """Whether a dispatcher may take the job early: no valid lease, and not just handed back."""
        status = self.status
        if status.updated_at is None:
            return True
        held = status.state is JobState.RUNNING and status.holder is not None
        terms = self._lease_terms
        return now() - status.updated_at >= (terms.early if held else terms.delivered)

    def begin(self, *, alone: bool = False) -> None:
        """Takes the lease: the job is running, and this is one more attempt.

        Args:
            alone: The job was taken out of the queue's order, so only the lease protects it.

        Raises:
            ConflictError: Another dispatcher wrote the record meanwhile.
        """
        if alone:
            self._holder = _ALONE + self._holder
        self._write(
            state=JobState.RUNNING,
            attempts=self.status.attempts + 1,
            holder=self._holder,
            started_at=self.status.started_at or now(),
        )

    def hand_back(self, *, counted: bool) -> None:
        """Releases the lease. Unless `counted`, the attempt does not count."""
        self._write(attempts=max(0, self.status.attempts - (not counted)), holder=None)

    def start_over(self) -> None:
        """Deletes completed segments, because this version cannot continue from them."""
        self._store.delete_prefix(self.keys.segments)
        self.reached = Progress()
        self._write(restarts=self.status.restarts + 1)

    def renew(self) -> None:
        """Renews the lease and writes the progress. Raises `ConflictError` if the lease is lost."""
        self._write()

    def finish(
        self, state: JobState, *, frames: int | None = None, error: JobError | None = None
    ) -> None:
        """Ends the job and deletes everything but its result, the upload first.

        Args:
            state: Final state.
            frames: Frames of the result if the job succeeded.
            error: Error if the job failed.
        """
        if not self.status.state.finished:
            reached = self.status.model_copy(update={"progress": self.reached})
            ended = reached.ended(state, frames=frames, error=error)
            self.reached = ended.progress
            self._write(state=ended.state, error=ended.error, finished_at=now())
        self.clean_up()

    def clean_up(self) -> None:
        """Deletes the upload, the checkpoints, and an incomplete result."""
        self._store.delete(self.keys.upload)
        self._store.delete_prefix(self.keys.segments)
        if self.status.state is not JobState.SUCCEEDED:
            self._store.delete_prefix(self.keys.result)

    def checkpoints(self) -> list[Checkpoint]:
        """Reads the checkpoints of the completed segments, up to the first missing one.

        Only the last checkpoint keeps the tracker's state.
        """
        found: list[Checkpoint] = []
        while True:
            try:
                data, _ = self._store.get(self._checkpoint_key(len(found)))
            except NotFoundError:
                return found
            if found:
                found[-1] = found[-1].without_tracker()
            found.append(Checkpoint.model_validate_json(data))

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint. This is progress, so the count of attempts restarts."""
        key = self._checkpoint_key(checkpoint.segment)
        self._store.put(key, checkpoint.model_dump_json().encode(), _JSON)
        self._write(attempts=1)

    def show(self, segment: int, when: TimeSpan) -> None:
        """Publishes the time range of a rendered segment, so that it can be previewed."""
        key = self.keys.segment(segment, "preview.json")
        self._store.put(key, when.model_dump_json().encode(), _JSON)

    def _checkpoint_key(self, segment: int) -> str:
        return self.keys.segment(segment, "checkpoint.json")

    def _write(self, **changes: JobState | JobError | datetime | int | str | None) -> None:
        with self._writing:
            update: dict[str, Any] = {**changes, "progress": self.reached, "updated_at": now()}
            status = self.status.model_copy(update=update)
            data = status.model_dump_json().encode()
            if self._etag is None:
                self._etag = self._store.put(self.keys.status, data, _JSON, if_absent=True)
            else:
                self._etag = self._store.put(self.keys.status, data, _JSON, if_match=self._etag)
            self.status = status
