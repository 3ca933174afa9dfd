"""The event stream of all jobs, on the running system."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from poseway.jobs import (
    Job,
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
from poseway.messaging.job_queue import JobQueue
from poseway_gateway.api.jobs.repository import JobRepository
from tests.support.queues import queue_settings
from tests.support.sse import Event, events


def running(fraction: float) -> bytes:
    status = JobStatus(state=JobState.RUNNING, progress=Progress(fraction=fraction))
    return status.model_dump_json().encode()


@asynccontextmanager
async def connected(stack: Stack) -> AsyncIterator[tuple[httpx.AsyncClient, JobQueue]]:
    queue = await JobQueue.connect(queue_settings(stack))
    async with httpx.AsyncClient(base_url=stack.gateway_url, timeout=30) as client:
        yield client, queue
    await queue.close()


def made(stack: Stack) -> str:
    """A job that never starts, because it is not on the queue."""
    request = JobRequest(
        id=new_job_id(), name="a", size=1, sha256="", created_at=now(), options=JobOptions()
    )
    JobRepository(stack.store).add(request)
    return request.id


async def until(told: AsyncIterator[Event], fits: Callable[[Event], bool]) -> list[Event]:
    """Returns all events up to the first that matches."""
    found: list[Event] = []
    async with asyncio.timeout(30):
        async for event in told:
            found.append(event)
            if fits(event):
                return found
    pytest.fail(f"the stream ended: {found}")


def test_job_from_upload_to_removal(stack: Stack) -> None:
    async def run() -> None:
        async with connected(stack) as (client, _), events(client, "/v1/events") as told:
            first = await anext(told)
            assert (first.name, first.data, bool(first.id)) == ("", "", True)
            answer = await client.post("/v1/jobs", files={"video": ("a.mp4", b"no video")})
            job_id = answer.json()["id"]
            seen = await until(told, lambda event: '"failed"' in event.data)
            mine = [Job.model_validate_json(e.data) for e in seen if job_id in e.data]
            assert mine[0].state is JobState.QUEUED
            assert mine[-1].state is JobState.FAILED
            assert mine[-1].name == "a.mp4"
            assert (await client.delete(f"/v1/jobs/{job_id}")).status_code == 204
            *_, last = await until(told, lambda event: event.name == "gone")
            assert json.loads(last.data) == {"id": job_id}

    asyncio.run(run())


def test_last_event_id_resumes_exactly(stack: Stack) -> None:
    job, other, third = (made(stack) for _ in range(3))

    async def run() -> None:
        async with connected(stack) as (client, queue):
            async with events(client, "/v1/events") as told:
                await anext(told)
                for fraction in (0.1, 0.2):
                    await queue.report(job, running(fraction))
                *_, seen = await until(told, lambda event: '"fraction":0.2' in event.data)
            await queue.report(other, running(0.3))
            await queue.report(third, running(0.4))
            await queue.report(other, running(0.5))
            await asyncio.sleep(0.5)
            async with events(client, "/v1/events", seen.id) as told:
                missed = [await anext(told), await anext(told)]
                await queue.report(job, running(0.9))
                missed.append(await anext(told))
            jobs = [Job.model_validate_json(event.data) for event in missed]
            assert [(j.id, j.progress.fraction) for j in jobs] == [
                (third, 0.4),
                (other, 0.5),
                (job, 0.9),
            ]

    asyncio.run(run())


@pytest.mark.parametrize("last_id", ["0-1-1", "nonsense", "ffffff-99999999-9999999999"])
def test_lost_events_are_reported_as_reset(stack: Stack, last_id: str) -> None:
    async def run() -> None:
        async with connected(stack) as (client, _):
            async with events(client, "/v1/events", last_id) as told:
                event = await anext(told)
            assert (event.name, event.data) == ("reset", "{}")
            async with events(client, "/v1/events", event.id) as told:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(1):
                        await anext(told)

    asyncio.run(run())


def test_an_old_event_id_resets(stack: Stack) -> None:
    async def run() -> None:
        async with connected(stack) as (client, _):
            async with events(client, "/v1/events") as told:
                life, number, time = (await anext(told)).id.split("-")
            old = f"{life}-{number}-{int(time) - 3600}"
            async with events(client, "/v1/events", old) as told:
                assert (await anext(told)).name == "reset"

    asyncio.run(run())


def test_events_of_one_job_resume(stack: Stack) -> None:
    job, other = made(stack), made(stack)
    path = f"/v1/jobs/{job}/events"

    async def fractions(told: AsyncIterator[Event], count: int) -> list[float]:
        found: list[Any] = [json.loads((await anext(told)).data) for _ in range(count)]
        return [one["progress"]["fraction"] for one in found]

    async def run() -> None:
        async with connected(stack) as (client, queue):
            async with events(client, path) as told:
                first = await anext(told)
            await queue.report(other, running(0.1))
            await asyncio.sleep(0.3)
            async with events(client, path, first.id) as told:
                report: Awaitable[None] = queue.report(job, running(0.2))
                await report
                assert await fractions(told, 1) == [0.2]
            async with events(client, path, first.id) as told:
                assert await fractions(told, 1) == [0.2]
            stack.store.put(Keys(job).status, b'{"state": "succeeded"}', "application/json")
            async with events(client, path, first.id) as told:
                rest = [event async for event in told]
            assert [event.name for event in rest] == ["job"]
            assert '"succeeded"' in rest[0].data

    asyncio.run(run())


def test_lost_end_is_found_in_the_record(stack: Stack) -> None:
    unreadable, job = made(stack), made(stack)
    stack.store.put(Keys(unreadable).status, b"{", "application/json")

    async def run() -> None:
        async with connected(stack) as (client, queue), events(client, "/v1/events") as told:
            await anext(told)
            # It is older, so its record is read first.
            await queue.report(unreadable, running(0.1))
            await queue.report(job, running(0.1))
            await until(told, lambda event: job in event.data)
            stack.store.put(Keys(job).status, b'{"state": "succeeded"}', "application/json")
            *_, last = await until(told, lambda event: job in event.data)
            assert '"succeeded"' in last.data

    asyncio.run(run())
    stack.store.delete_prefix(Keys(unreadable).record)


def test_event_streams_survive_a_queue_that_loses_its_data(stack: Stack) -> None:
    job = made(stack)

    async def run() -> None:
        async with connected(stack) as (client, queue), events(client, "/v1/events") as told:
            await anext(told)
            await queue._stream.delete_stream("POSEWAY_PROGRESS")
            *_, reset = await until(told, lambda event: event.name == "reset")
            await queue.report(job, running(0.7))
            *_, last = await until(told, lambda event: job in event.data)
            assert '"fraction":0.7' in last.data
            assert last.id.split("-")[0] == reset.id.split("-")[0]

    asyncio.run(run())
