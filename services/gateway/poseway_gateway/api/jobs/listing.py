"""Lists of jobs, searched and filtered."""

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
_KEPT: Final = 5000
_KEPT_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are looked for.

    Attributes:
        text: Part of the file's name in any case, or the beginning of the id; empty for any.
        states: The states.
    """

    text: str = ""
    states: frozenset[JobState] = frozenset(JobState)

    @property
    def everything(self) -> bool:
        """Whether every job fits."""
        return not self.text and len(self.states) == len(JobState)

    def fits(self, job: Job) -> bool:
        """Whether a job is looked for."""
        text = self.text.casefold()
        return job.state in self.states and (text in job.name.casefold() or job.id.startswith(text))


class Listing:
    """Lists jobs. Safe to use from several threads.

    A job that has ended does not change any more, so it is kept at hand; not for ever, because
    another gateway may remove it, and the word of that may be lost.
    """

    def __init__(self, store: ObjectStore, repository: JobRepository) -> None:
        self._store = store
        self._repository = repository
        self._readers = ThreadPoolExecutor(16, thread_name_prefix="listing")
        self._ended: OrderedDict[str, tuple[float, Job]] = OrderedDict()
        self._keeping = threading.Lock()

    def page(
        self, owner: str, limit: int, after: str, wanted: JobFilter
    ) -> tuple[list[Job], str | None]:
        """Lists jobs, newest first.

        Args:
            owner: Whose; empty for everybody's.
            limit: Most jobs to list.
            after: Id of the last job that was looked at before; empty for the first page.
            wanted: Which of them.

        Returns:
            The jobs, and what to ask for the next page with; None on the last page. There may be
            fewer than `limit` before the last page: at most `SCANNED_AT_ONCE` are looked at.
        """
        folder = f"owners/{owner}/" if owner else "jobs/"
        batch = limit if wanted.everything else _BATCH
        found: list[Job] = []
        for _ in range(-(-SCANNED_AT_ONCE // batch)):
            ids = self._store.folders(folder, after, batch + 1)
            for job_id, job in zip(ids, self._readers.map(self._job, ids[:batch]), strict=False):
                after = job_id
                if job is not None and wanted.fits(job):
                    found.append(job)
                if len(found) == limit:
                    return found, after if after != ids[-1] else None
            if len(ids) <= batch:
                return found, None
            if wanted.everything:
                break
        return found, after

    def forget(self, job_id: str) -> None:
        """A job was removed."""
        with self._keeping:
            self._ended.pop(job_id, None)

    def _job(self, job_id: str) -> Job | None:
        kept = self._ended.get(job_id)
        if kept is not None and time.monotonic() - kept[0] < _KEPT_SECONDS:
            return kept[1]
        try:
            job = self._repository.job(job_id)
        except NotFoundError:
            return None  # removed since it was listed
        except ValidationError:
            log.exception("the record cannot be read", job=job_id)
            return None
        if job.state.finished:
            with self._keeping:
                self._ended[job_id] = (time.monotonic(), job)
                self._ended.move_to_end(job_id)
                if len(self._ended) > _KEPT:
                    self._ended.popitem(last=False)
        return job
