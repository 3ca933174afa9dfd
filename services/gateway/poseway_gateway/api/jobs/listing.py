"""Lists of jobs, with search and filters."""

import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import ValidationError

from poseway.errors import NotFoundError
from poseway.jobs import Job, JobState
from poseway.storage import ObjectStore
from poseway_gateway.api.jobs.repository import JobRepository

log = structlog.get_logger(__name__)

SCANNED_AT_ONCE: Final = 1000
_BATCH: Final = 100
_MAX_CACHED: Final = 5000
_CACHE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class JobFilter:
    """A filter for jobs.

    Attributes:
        text: Part of the file's name, ignoring case, or the beginning of the id; empty for any.
        states: States to include.
    """

    text: str = ""
    states: frozenset[JobState] = frozenset(JobState)

    @property
    def is_empty(self) -> bool:
        """Whether every job matches."""
        return not self.text and len(self.states) == len(JobState)

    def matches(self, job: Job) -> bool:
        """Returns whether a job matches."""
        text = self.text.casefold()
        return job.state in self.states and (text in job.name.casefold() or job.id.startswith(text))


class Listing:
    """Lists jobs. Thread-safe.

    Jobs that have ended no longer change, so they are cached. The cache expires, because another
    gateway may remove a job and the message about it may be lost.
    """

    def __init__(self, store: ObjectStore, repository: JobRepository) -> None:
        self._store = store
        self._repository = repository
        self._readers = ThreadPoolExecutor(16, thread_name_prefix="listing")
        self._ended: OrderedDict[str, tuple[float, Job]] = OrderedDict()
        self._lock = threading.Lock()

    def page(
        self, owner: str, limit: int, after: str, wanted: JobFilter
    ) -> tuple[list[Job], str | None]:
        """Lists jobs, newest first.

        Args:
            owner: Owner of the jobs; empty for the jobs of all owners.
            limit: Maximum number of jobs.
            after: Cursor of the previous page; empty for the first page.
            wanted: Filter for the jobs.

        Returns:
            The jobs, and the cursor of the next page, None on the last. Any page may have fewer
            jobs than `limit`, since at most `SCANNED_AT_ONCE` are examined.
        """
        folder = f"owners/{owner}/" if owner else "jobs/"
        batch = limit if wanted.is_empty else _BATCH
        found: list[Job] = []
        for _ in range(-(-SCANNED_AT_ONCE // batch)):
            ids = self._store.folders(folder, after, batch + 1)
            for job_id, job in zip(ids, self._readers.map(self._job, ids[:batch]), strict=False):
                after = job_id
                if job is not None and wanted.matches(job):
                    found.append(job)
                if len(found) == limit:
                    return found, after if after != ids[-1] else None
            if len(ids) <= batch:
                return found, None
            if wanted.is_empty:
                break
        return found, after

    def forget(self, job_id: str) -> None:
        """Drops a removed job from the cache."""
        with self._lock:
            self._ended.pop(job_id, None)

    def _job(self, job_id: str) -> Job | None:
        kept = self._ended.get(job_id)
        if kept is not None and time.monotonic() - kept[0] < _CACHE_SECONDS:
            return kept[1]
        try:
            job = self._repository.job(job_id)
        except NotFoundError:
            return None  # removed since it was listed
        except ValidationError:
            log.exception("job record cannot be read", job=job_id)
            return None
        if job.state.finished:
            with self._lock:
                self._ended[job_id] = (time.monotonic(), job)
                self._ended.move_to_end(job_id)
                if len(self._ended) > _MAX_CACHED:
                    self._ended.popitem(last=False)
        return job
