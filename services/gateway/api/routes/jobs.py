"""Creating, listing, watching and ending jobs."""

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from poseway.errors import NotFoundError
from poseway.jobs import Job, JobRequest, JobStatus
from services.gateway.api.catalog import Catalog, view
from services.gateway.api.codes import documented
from services.gateway.api.deps import (
    CallerDep,
    CatalogDep,
    KnownJob,
    QueueDep,
    StoppingDep,
)

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=documented("unavailable"))

_QUIET_SECONDS: Final = 5.0


class JobPage(BaseModel):
    """Some of the jobs."""

    jobs: list[Job] = Field(description="Newest first.")
    next_cursor: str | None = Field(description="Ask for the next page with it; null on the last.")


@router.get("")
def list_jobs(
    catalog: CatalogDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=100, description="Most jobs to list.")] = 20,
    cursor: Annotated[
        str, Query(pattern="^([0-9a-f]{32})?$", description="`next_cursor` of the page before.")
    ] = "",
) -> JobPage:
    """Lists jobs, newest first."""
    jobs, after = catalog.page(caller.owner, limit, cursor)
    return JobPage(jobs=jobs, next_cursor=after)


@router.get("/{job_id}")
def get_job(asked: KnownJob, catalog: CatalogDep) -> Job:
    """Shows a job."""
    return view(asked, catalog.status(asked.id))


@router.get("/{job_id}/events", response_class=EventSourceResponse)
async def watch_job(
    asked: KnownJob, catalog: CatalogDep, queue: QueueDep, stopping: StoppingDep
) -> AsyncIterator[ServerSentEvent]:
    """Follows a job: its state and progress, first as they are and then as they change.

    Events are named `job` and carry the job as `GET /v1/jobs/{job_id}` shows it. The stream ends
    when the job does, and when the server stops: connect again then.
    """
    async with queue.progress(asked.id) as news:
        try:
            sent = await asyncio.to_thread(_record, catalog, asked.id)
            yield _event(asked, sent)
            while not sent.state.finished:
                status = await _next(news, stopping)
                if stopping.is_set():
                    return
                if status is None:  # a message may have been lost
                    status = await asyncio.to_thread(_record, catalog, asked.id)
                    if not _overtakes(status, sent):
                        continue
                if status != sent:
                    sent = status
                    yield _event(asked, sent)
        except NotFoundError:
            return  # somebody removed it


def _record(catalog: Catalog, job_id: str) -> JobStatus:
    catalog.request(job_id)
    return catalog.status(job_id)


async def _next(news: asyncio.Queue[bytes], stopping: asyncio.Event) -> JobStatus | None:
    """What is told next; None if it is quiet for a while or the server stops."""
    told = asyncio.create_task(news.get())
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((told, stop), timeout=_QUIET_SECONDS, return_when=FIRST_COMPLETED)
        return JobStatus.model_validate_json(told.result()) if told.done() else None
    finally:
        told.cancel()
        stop.cancel()


def _overtakes(record: JobStatus, sent: JobStatus) -> bool:
    """Whether the record tells more than what was sent; it is up to seconds behind the messages."""
    return record.state is not sent.state or record.progress.fraction > sent.progress.fraction


def _event(asked: JobRequest, status: JobStatus) -> ServerSentEvent:
    return ServerSentEvent(event="job", raw_data=view(asked, status).model_dump_json())


@router.delete(
    "/{job_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses={202: {"model": Job, "description": "It will be cancelled"}},
)
async def delete_job(asked: KnownJob, catalog: CatalogDep, queue: QueueDep) -> Response:
    """Cancels a job that is not finished (202), or removes one that is, with its result (204)."""
    job_id = asked.id
    job = await asyncio.to_thread(catalog.cancel_or_remove, job_id)
    if job is None:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    await queue.cancel(job_id)
    job = await asyncio.to_thread(catalog.job, job_id)
    return Response(
        job.model_dump_json(), status_code=HTTPStatus.ACCEPTED, media_type="application/json"
    )
