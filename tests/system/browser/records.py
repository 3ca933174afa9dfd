"""Records of jobs that were never processed, in any state and number."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from poseway.jobs import (
    JobError,
    JobOptions,
    JobRequest,
    JobState,
    JobStatus,
    Keys,
    Progress,
    new_job_id,
    now,
)
from poseway.local.stack import Stack


@dataclass(frozen=True)
class Record:
    """Contents of a job's record."""

    name: str
    state: JobState = JobState.QUEUED
    progress: Progress = field(default_factory=Progress)
    error: JobError | None = None


@contextmanager
def records(stack: Stack, wanted: Sequence[Record]) -> Iterator[list[str]]:
    """Stores records for the block. Yields the ids of the jobs, in ascending order."""
    store = stack.store
    ids = [f"{index:06x}{new_job_id()[6:]}" for index in range(len(wanted))]

    def put(job_id: str, record: Record) -> None:
        keys = Keys(job_id)
        request = JobRequest(
            id=job_id,
            name=record.name,
            size=1_234_567,
            sha256=None,
            created_at=now(),
            options=JobOptions(),
        )
        status = JobStatus(state=record.state, progress=record.progress, error=record.error)
        store.put(keys.request, request.model_dump_json().encode(), "application/json")
        store.put(keys.status, status.model_dump_json().encode(), "application/json")

    def remove(job_id: str, record: Record) -> None:
        if record.state.finished:  # the gateway caches finished jobs
            assert http.delete(f"/v1/jobs/{job_id}").status_code in (204, 404)
        store.delete_prefix(Keys(job_id).record)

    with httpx.Client(base_url=stack.gateway_url) as http, ThreadPoolExecutor(16) as pool:
        list(pool.map(put, ids, wanted))
        try:
            yield ids
        finally:
            list(pool.map(remove, ids, wanted))
