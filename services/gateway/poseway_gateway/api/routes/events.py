"""Server-sent events of one job, or of all jobs of the caller."""

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from poseway.errors import NotFoundError
from poseway.jobs import JobRequest, JobState, JobStatus
from poseway.messaging.status_feed import Gone, StatusChange
from poseway_gateway.api.access.caller import Caller
from poseway_gateway.api.dependencies import (
    CallerDep,
    HubDep,
    JobRepositoryDep,
    KnownJob,
    QueueDep,
    StoppingDep,
    StreamSlotDep,
)
from poseway_gateway.api.events.hub import Hub, Listener
from poseway_gateway.api.jobs.job_view import view
from poseway_gateway.api.jobs.repository import JobRepository
from poseway_gateway.api.web.error_codes import documented

router = APIRouter(prefix="/v1", tags=["events"], responses=documented("overloaded", "unavailable"))

_QUIET_SECONDS: Final = 5.0
_READY_SECONDS: Final = 5.0

LastEventId = Annotated[
    str | None,
    Header(
        max_length=100,
        description="Id of the last event received; browsers send it when they reconnect.",
    ),
]


@router.get("/events", response_class=EventSourceResponse)
async def watch_jobs(
    caller: CallerDep,
    repository: JobRepositoryDep,
    hub: HubDep,
    _queue: QueueDep,
    _slot: StreamSlotDep,
    stopping: StoppingDep,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """Streams changes to all jobs of the caller, from now on or after the event `Last-Event-ID`.

    - `job`: a job is new or has changed; the data is the job as `GET /v1/jobs/{job_id}` shows it.
    - `gone`: a job was removed; the data has its `id`.
    - `reset`: events were lost; list the jobs again.

    To miss no change, connect first, then list the jobs. If a job changes faster than its events
    are read, only its latest state is sent. The stream ends when the server stops; reconnect then.
    """
    await hub.ready(_READY_SECONDS)
    with hub.listen(last_event_id) as listener:
        if last_event_id is None:
            yield ServerSentEvent(id=hub.event_id(), comment="from here on")
        while await _wait(listener, stopping):
            found = listener.take()
            if listener.reset:
                listener.reset = False
                yield ServerSentEvent(event="reset", raw_data="{}", id=hub.event_id())
            for change in found:
                event = await _event(hub, repository, caller, change)
                if event is not None:
                    yield event


async def _event(
    hub: Hub, repository: JobRepository, caller: Caller, change: StatusChange
) -> ServerSentEvent | None:
    """Returns the event for a change; None if the caller may not see the job."""
    if isinstance(change.content, Gone):
        if caller.owner and caller.owner != change.content.owner:
            return None
        return _gone(change.job_id, hub.event_id(change))
    try:
        request = repository.known(change.job_id)
        if request is None:
            request = await asyncio.to_thread(repository.request, change.job_id)
    except NotFoundError:
        return None  # its removal follows as a change of its own
    if not caller.may_see(request):
        return None
    return _job(request, change.content, hub.event_id(change))


@router.get(
    "/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses=documented("job_not_found"),
)
async def watch_job(
    job: KnownJob,
    repository: JobRepositoryDep,
    hub: HubDep,
    _queue: QueueDep,
    _slot: StreamSlotDep,
    stopping: StoppingDep,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """Streams the state and progress of a job, first the current ones, then each change.

    Each `job` event carries the job as `GET /v1/jobs/{job_id}` shows it; `gone` reports that it was
    removed. The stream ends when the job ends, and when the server stops; reconnect then. With
    `Last-Event-ID`, it begins only with what was missed.
    """
    await hub.ready(_READY_SECONDS)
    with hub.listen(last_event_id, job.id) as listener:
        missed = last_event_id is None or listener.reset or bool(listener.take())
        now = hub.event_id()
        try:
            sent = await asyncio.to_thread(_record, repository, job.id)
            newest = hub.newest(job.id)
            if newest and isinstance(newest.content, JobStatus) and _is_newer(newest.content, sent):
                sent = newest.content
            # Includes the changes that arrived while the record was being read.
            missed = bool(listener.take()) or missed
            if missed or sent.state.finished:
                yield _job(job, sent, now)
            while not sent.state.finished:
                now = hub.event_id()
                change = await _next(listener, stopping)
                if stopping.is_set():
                    return
                if change is None:  # a message may have been lost
                    status = await asyncio.to_thread(_record, repository, job.id)
                    if not _is_newer(status, sent):
                        continue
                elif isinstance(change.content, Gone):
                    break
                else:
                    status = change.content
                if status != sent:
                    sent = status
                    yield _job(job, sent, hub.event_id(change) if change else now)
            else:
                return
        except NotFoundError:
            pass
        yield _gone(job.id, hub.event_id())


async def _next(listener: Listener, stopping: asyncio.Event) -> StatusChange | None:
    """Returns the next change of the job; None after a quiet period or if the server stops."""
    try:
        async with asyncio.timeout(_QUIET_SECONDS):
            if await _wait(listener, stopping):
                return next(iter(listener.take()), None)
    except TimeoutError:
        pass
    return None


async def _wait(listener: Listener, stopping: asyncio.Event) -> bool:
    """Waits for changes; returns False if the server stops first."""
    wake = asyncio.create_task(listener.wake.wait())
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((wake, stop), return_when=FIRST_COMPLETED)
        return not stopping.is_set()
    finally:
        wake.cancel()
        stop.cancel()


def _record(repository: JobRepository, job_id: str) -> JobStatus:
    repository.request(job_id)
    return repository.status(job_id)


def _is_newer(status: JobStatus, sent: JobStatus) -> bool:
    """Returns whether a status is newer; records lag messages by up to several seconds."""
    if sent.state.finished or status.state is JobState.QUEUED:
        return False
    return status.state is not sent.state or status.progress.fraction > sent.progress.fraction


def _job(request: JobRequest, status: JobStatus, number: str | None) -> ServerSentEvent:
    data = view(request, status).model_dump_json()
    return ServerSentEvent(event="job", raw_data=data, id=number)


def _gone(job_id: str, number: str | None) -> ServerSentEvent:
    return ServerSentEvent(event="gone", data={"id": job_id}, id=number)
