"""Listing, inspecting, cancelling and removing jobs."""

import asyncio
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from poseway.jobs import Job, JobState
from poseway_gateway.api.dependencies import (
    CallerDep,
    JobRepositoryDep,
    KnownJob,
    ListingDep,
    QueueDep,
)
from poseway_gateway.api.jobs.job_view import view
from poseway_gateway.api.jobs.listing import JobFilter
from poseway_gateway.api.web.conditional import not_modified
from poseway_gateway.api.web.error_codes import documented

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=documented("unavailable"))


class JobPage(BaseModel):
    """A page of jobs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"jobs": [], "next_cursor": "fe5df9e435233c320336b3ea61939ea5"}]
        }
    )

    jobs: list[Job] = Field(description="Jobs, newest first.")
    next_cursor: str | None = Field(
        description="Cursor of the next page; null on the last. A search may return a page with "
        "few jobs, or none, and a cursor to continue with."
    )


@router.get("")
def list_jobs(
    listing: ListingDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of jobs.")] = 20,
    cursor: Annotated[
        str, Query(pattern="^([0-9a-f]{32})?$", description="`next_cursor` of the previous page.")
    ] = "",
    q: Annotated[
        str,
        Query(
            max_length=200, description="Part of the file's name, or the beginning of the job's id."
        ),
    ] = "",
    state: Annotated[
        list[JobState] | None,
        Query(description="Only jobs in this state; repeat it for several states."),
    ] = None,
) -> JobPage:
    """Lists jobs, newest first."""
    wanted = JobFilter(q, frozenset(state or JobState))
    jobs, after = listing.page(caller.owner, limit, cursor, wanted)
    return JobPage(jobs=jobs, next_cursor=after)


@router.get(
    "/{job_id}",
    response_model=Job,
    responses=documented("job_not_found")
    | {304: {"description": "Unchanged since the ETag of If-None-Match"}},
)
def get_job(job: KnownJob, repository: JobRepositoryDep, request: Request) -> Response:
    """Returns a job."""
    content = view(job, repository.status(job.id)).model_dump_json().encode()
    headers = {
        "ETag": f'W/"{sha256(content).hexdigest()[:32]}"',
        "Cache-Control": "private, no-cache",
    }
    if answer := not_modified(request, headers):
        return answer
    return Response(content, headers=headers, media_type="application/json")


@router.delete(
    "/{job_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=documented("job_not_found")
    | {202: {"model": Job, "description": "The job will be cancelled"}},
)
async def delete_job(job: KnownJob, repository: JobRepositoryDep, queue: QueueDep) -> Response:
    """Cancels an unfinished job (202), or removes a finished one with its result (204)."""
    unfinished = await asyncio.to_thread(repository.cancel_or_remove, job.id)
    if unfinished is None:
        await queue.report_gone(job.id, job.owner)
        return Response(status_code=HTTPStatus.NO_CONTENT)
    await queue.cancel(job.id)
    status = await asyncio.to_thread(repository.status, job.id)
    if status.state is JobState.CANCELLED:
        await queue.report(job.id, status.model_dump_json().encode())
    return Response(
        view(job, status).model_dump_json(),
        status_code=HTTPStatus.ACCEPTED,
        media_type="application/json",
    )
