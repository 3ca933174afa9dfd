"""Creating, listing, watching and ending jobs."""

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from poseway.errors import InvalidRequestError, NotFoundError, PosewayError
from poseway.jobs import Job, JobOptions, JobRequest, JobStatus, Keys, new_job_id, now
from poseway.storage import ObjectWriter
from services.gateway.api.catalog import Catalog, parse_options, view
from services.gateway.api.codes import documented
from services.gateway.api.deps import (
    CallerDep,
    CatalogDep,
    KnownJob,
    ModelsDep,
    QueueDep,
    SettingsDep,
    StoppingDep,
    StoreDep,
)
from services.gateway.api.models import Models
from services.gateway.api.upload import UploadForm, too_large

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=documented("unavailable"))

_CHUNK: Final = 1 << 20
_QUIET_SECONDS: Final = 5.0
_FORM_OVERHEAD: Final = 64 << 10


def _fields() -> dict[str, Any]:
    """The options as fields of a form, in JSON Schema; each with its type written out."""
    schema = JobOptions.model_json_schema(mode="serialization")
    types = schema.get("$defs", {})
    return {
        name: {**types.get(field.pop("$ref", "").rsplit("/", 1)[-1], {}), **field}
        for name, field in schema["properties"].items()
    }


_FORM_SCHEMA: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["video"],
                    "properties": {
                        "video": {
                            "type": "string",
                            "format": "binary",
                            "description": "The video, any container and codec that FFmpeg reads.",
                        },
                        **_fields(),
                    },
                }
            }
        },
    }
}


class JobPage(BaseModel):
    """Some of the jobs."""

    jobs: list[Job] = Field(description="Newest first.")
    next_cursor: str | None = Field(description="Ask for the next page with it; null on the last.")


@router.post("", status_code=HTTPStatus.CREATED, openapi_extra=_FORM_SCHEMA)
async def create_job(
    request: Request,
    response: Response,
    settings: SettingsDep,
    store: StoreDep,
    queue: QueueDep,
    catalog: CatalogDep,
    models: ModelsDep,
    caller: CallerDep,
) -> Job:
    """Uploads a video and queues it. The body goes straight into object storage as it arrives."""
    request.state.body_unread = True
    announced = int(request.headers.get("content-length", 0))
    if announced > settings.max_upload_bytes + _FORM_OVERHEAD:
        raise too_large(settings.max_upload_bytes)
    job_id = new_job_id()
    writer = ObjectWriter(store, Keys(job_id).upload, "application/octet-stream")

    def begin_file() -> ObjectWriter:
        _options(form, models)  # a mistake is better told before the upload than after it
        return writer

    form = UploadForm(
        request.headers.get("content-type", ""), settings.max_upload_bytes, begin_file
    )
    try:
        await _receive(request, form)
        name = form.finish()
        options = _options(form, models)
        await asyncio.to_thread(writer.finish)
    except BaseException:
        # Also when the client hangs up: what was sent so far is worth nothing.
        await asyncio.shield(asyncio.to_thread(writer.abort))
        raise
    asked = JobRequest(
        id=job_id,
        name=name,
        size=writer.size,
        sha256=writer.sha256.hexdigest(),
        created_at=now(),
        options=options,
        owner=caller.owner,
    )
    try:
        job = await asyncio.to_thread(catalog.add, asked)
        await queue.publish(job_id)
    except PosewayError:
        # Not queued for certain, so not accepted: the client is told, and nothing stays behind.
        await asyncio.to_thread(store.delete_prefix, Keys(job_id).record)
        await asyncio.to_thread(store.delete, Keys(job_id).upload)
        raise
    log.info("accepted", job=job_id, name=name, bytes=asked.size)
    response.headers["Location"] = job.links["self"]
    return job


async def _receive(request: Request, form: UploadForm) -> None:
    """Feeds the body to the form, off the event loop and in pieces worth the trip."""
    pending = bytearray()
    try:
        async for chunk in request.stream():
            pending += chunk
            if len(pending) >= _CHUNK:
                await asyncio.to_thread(form.feed, bytes(pending))
                pending.clear()
    except ClientDisconnect as gone:
        log.info("the client hung up during an upload")
        raise InvalidRequestError("The upload broke off.", "incomplete_upload") from gone
    request.state.body_unread = False
    await asyncio.to_thread(form.feed, bytes(pending))


def _options(form: UploadForm, models: Models) -> JobOptions:
    """The options in the fields so far."""
    options = parse_options(form.fields)
    return options.model_copy(update={"model": models.choose(options.model)})


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
