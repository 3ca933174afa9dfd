"""Live: server-sent events of one job, or of all that the caller may see."""

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
    Header(max_length=100, description="Id of the last event that came; browsers send it."),
]


@router.get("/events", response_class=EventSourceResponse)
async def watch_jobs(
    caller: CallerDep,
    repository: JobRepositoryDep,
    hub: HubDep,
    _queue: QueueDep,
    _place: StreamSlotDep,
    stopping: StoppingDep,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follows all jobs of the caller, from now on, or from the event of `Last-Event-ID` on.

    - `job`: one changed, or is new; the data is the job as `GET /v1/jobs/{job_id}` shows it.
    - `gone`: one was removed; the data has its `id`.
    - `reset`: something was missed for good: list the jobs again.

    To miss nothing, connect first and list the jobs then. Of a job that changes faster than its
    events are read, only the newest comes. The stream goes on until the server stops: connect
    again then.
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
            for news in found:
                event = await _event(hub, repository, caller, news)
                if event is not None:
                    yield event


async def _event(
    hub: Hub, repository: JobRepository, caller: Caller, news: StatusChange
) -> ServerSentEvent | None:
    """A message for somebody; None if it is none of their business."""
    if isinstance(news.content, Gone):
        if caller.owner and caller.owner != news.content.owner:
            return None
        return _gone(news.job_id, hub.event_id(news))
    try:
        request = repository.known(news.job_id)
        if request is None:
            request = await asyncio.to_thread(repository.request, news.job_id)
    except NotFoundError:
        return None  # that will be told too
    if not caller.may_see(request):
        return None
    return _job(request, news.content, hub.event_id(news))


@router.get(
    "/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses=documented("job_not_found"),
)
async def watch_job(
    asked: KnownJob,
    repository: JobRepositoryDep,
    hub: HubDep,
    _queue: QueueDep,
    _place: StreamSlotDep,
    stopping: StoppingDep,
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follows a job: its state and progress, first as they are and then as they change.

    Events are named `job` and carry the job as `GET /v1/jobs/{job_id}` shows it; `gone` says that
    it was removed. The stream ends when the job does, and when the server stops: connect again
    then. With `Last-Event-ID` it begins with what was missed.
    """
    await hub.ready(_READY_SECONDS)
    with hub.listen(last_event_id, asked.id) as listener:
        missed = last_event_id is None or listener.reset or bool(listener.take())
        now = hub.event_id()
        try:
            sent = await asyncio.to_thread(_record, repository, asked.id)
            newest = hub.newest(asked.id)
            if (
                newest
                and isinstance(newest.content, JobStatus)
                and _overtakes(newest.content, sent)
            ):
                sent = newest.content
            # What came while the record was read is in this already.
            missed = bool(listener.take()) or missed
            if missed or sent.state.finished:
                yield _job(asked, sent, now)
            while not sent.state.finished:
                now = hub.event_id()
                told = await _next(listener, stopping)
                if stopping.is_set():
                    return
                if told is None:  # a message may have been lost
                    status = await asyncio.to_thread(_record, repository, asked.id)
                    if not _overtakes(status, sent):
                        continue
                elif isinstance(told.content, Gone):
                    break
                else:
                    status = told.content
                if status != sent:
                    sent = status
                    yield _job(asked, sent, hub.event_id(told) if told else now)
            else:
                return
        except NotFoundError:
            pass
        yield _gone(asked.id, hub.event_id())


async def _next(listener: Listener, stopping: asyncio.Event) -> StatusChange | None:
    """What is told next of the one job; None if it is quiet for a while or the server stops."""
    try:
        async with asyncio.timeout(_QUIET_SECONDS):
            if await _wait(listener, stopping):
                return next(iter(listener.take()), None)
    except TimeoutError:
        pass
    return None


async def _wait(listener: Listener, stopping: asyncio.Event) -> bool:
    """Waits for news; False if the server stops first."""
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


def _overtakes(status: JobStatus, sent: JobStatus) -> bool:
    """Whether one tells more than the other; the record is up to seconds behind the messages."""
    if sent.state.finished or status.state is JobState.QUEUED:
        return False
    return status.state is not sent.state or status.progress.fraction > sent.progress.fraction


def _job(request: JobRequest, status: JobStatus, number: str | None) -> ServerSentEvent:
    data = view(request, status).model_dump_json()
    return ServerSentEvent(event="job", raw_data=data, id=number)


def _gone(job_id: str, number: str | None) -> ServerSentEvent:
    return ServerSentEvent(event="gone", data={"id": job_id}, id=number)
