"""Event streams of the running system."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from poseway.client import Client
from poseway.jobs import (
    JobOptions,
    JobRequest,
    JobState,
    JobStatus,
    Keys,
    Progress,
    new_job_id,
    now,
)
from poseway.local.ports import free_ports
from poseway.local.probes import is_ready
from poseway.local.stack import Stack
from poseway.messaging.job_queue import JobQueue
from poseway.paths import ROOT
from poseway_gateway.api.jobs.repository import JobRepository
from tests.support.queues import queue_settings
from tests.support.waiting import until


@pytest.fixture
def queued(stack: Stack) -> Iterator[str]:
    """Id of a job that never starts, because it is not on the queue."""
    request = JobRequest(
        id=new_job_id(), name="a", size=1, sha256="", created_at=now(), options=JobOptions()
    )
    JobRepository(stack.store).add(request)
    yield request.id
    stack.store.delete_prefix(Keys(request.id).record)


def test_progress_never_returns_to_an_older_record(stack: Stack, queued: str) -> None:
    def status(fraction: float) -> bytes:
        running = JobStatus(state=JobState.RUNNING, progress=Progress(fraction=fraction))
        return running.model_dump_json().encode()

    async def run() -> list[float]:
        seen: list[float] = []
        queue = await JobQueue.connect(queue_settings(stack))
        async with (
            httpx.AsyncClient(base_url=stack.gateway_url, timeout=60) as client,
            client.stream("GET", f"/v1/jobs/{queued}/events") as answer,
        ):
            async for line in answer.aiter_lines():
                if not line.startswith("data:"):
                    continue
                seen.append(json.loads(line[5:])["progress"]["fraction"])
                if len(seen) == 1:
                    stack.store.put(Keys(queued).status, status(0.3), "application/json")
                    await queue.report(queued, status(0.5))
                    later = asyncio.create_task(report_later(queue))
                if seen[-1] == 0.6:
                    break
            await later
        await queue.close()
        return seen

    async def report_later(queue: JobQueue) -> None:
        await asyncio.sleep(6)  # by then the record has been read
        await queue.report(queued, status(0.6))

    assert asyncio.run(run()) == [0.0, 0.5, 0.6]


def test_open_event_stream_does_not_delay_a_stop(stack: Stack, queued: str) -> None:
    port = free_ports(1)[0]
    env = os.environ | stack.env | {"POSEWAY_PORT": str(port), "POSEWAY_GRACE_SECONDS": "20"}
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-m", "poseway_gateway.api"], cwd=ROOT, env=env) as api:
        try:
            until(lambda: is_ready(url))
            with httpx.stream("GET", f"{url}/v1/jobs/{queued}/events", timeout=30) as answer:
                lines = answer.iter_lines()
                assert next(lines) == "event: job"
                api.terminate()
                began = time.monotonic()
                assert not any(line.startswith("event") for line in lines)
            api.wait(60)
            # Long before the grace period of 20 seconds ends.
            assert time.monotonic() - began < 15
        finally:
            api.kill()


def test_events_of_a_removed_job_end(stack: Stack, queued: str) -> None:
    url = f"{stack.gateway_url}/v1/jobs/{queued}/events"
    with httpx.stream("GET", url, timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: job"
        stack.store.delete_prefix(Keys(queued).record)
        assert [line for line in lines if line.startswith("event")] == ["event: gone"]


def test_watching_survives_a_restart_of_the_gateway(
    client: Client, stack: Stack, short_sample: Path
) -> None:
    job = client.submit(short_sample)
    told = client.watch(job.id)
    for state in told:
        if state.progress.frames_done > 10:
            break
    os.kill(stack.pid("api"), signal.SIGKILL)
    *_, last = told
    assert last.state is JobState.SUCCEEDED
    until(lambda: is_ready(stack.gateway_url))  # for the tests that follow
