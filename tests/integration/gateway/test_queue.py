"""Jobs survive failures of the queue and of dispatchers."""

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import nats
import pytest

from poseway.client import Client
from poseway.errors import ConflictError
from poseway.jobs import JobOptions, JobRequest, JobState, JobStatus, Keys, new_job_id, now
from poseway.local.stack import Stack
from poseway.messaging.job_queue import STREAM
from poseway_gateway.api.jobs.repository import JobRepository
from poseway_gateway.dispatcher.job_record import JobRecord
from poseway_gateway.dispatcher.lease_terms import DEFAULT_TERMS
from tests.support.videos import make_video
from tests.support.waiting import until
from tests.system.upgrade.records import put_back


def record_only(stack: Stack, video: bytes) -> str:
    """A job with a record that is missing from the queue."""
    job_id = new_job_id()
    stack.store.put(Keys(job_id).upload, video, "video/mp4")
    request = JobRequest(
        id=job_id,
        name="lost.mp4",
        size=len(video),
        sha256=hashlib.sha256(video).hexdigest(),
        created_at=now(),
        options=JobOptions(),
    )
    JobRepository(stack.store).add(request)
    return job_id


def test_jobs_lost_by_the_queue_are_requeued(client: Client, stack: Stack) -> None:
    lost = record_only(stack, make_video(5))
    assert client.job(lost).state is JobState.QUEUED
    assert put_back(stack) >= 1
    *_, last = client.watch(lost)
    assert last.state is JobState.SUCCEEDED
    assert client.manifest(lost).frames == 5


def test_job_that_keeps_stopping_its_worker_fails(client: Client, stack: Stack) -> None:
    poison = record_only(stack, make_video(5))
    died = JobStatus(
        state=JobState.RUNNING,
        attempts=3,
        holder="dead",
        updated_at=now() - DEFAULT_TERMS.delivered,
    )
    stack.store.put(Keys(poison).status, died.model_dump_json().encode(), "application/json")
    put_back(stack)
    *_, last = client.watch(poison)
    assert last.state is JobState.FAILED
    assert last.error is not None
    assert last.error.code == "too_many_attempts"
    # The state is reported first; then what is no longer needed is deleted.
    until(lambda: not stack.store.exists(Keys(poison).upload))


def test_handing_back_a_job_is_not_an_attempt(stack: Stack) -> None:
    job_id = record_only(stack, b"")
    for _ in range(5):
        record = JobRecord(stack.store, job_id)
        record.load()
        record.begin()
        record.hand_back(counted=False)
    assert record.status.attempts == 0
    record.begin()
    record.hand_back(counted=True)
    assert record.status.attempts == 1
    stack.store.delete_prefix(Keys(job_id).record)


def test_only_the_latest_lease_can_write(stack: Stack) -> None:
    job_id = record_only(stack, b"")
    first, second = JobRecord(stack.store, job_id), JobRecord(stack.store, job_id)
    first.load()
    first.begin()
    second.load()
    second.begin()
    with pytest.raises(ConflictError):
        first.finish(JobState.SUCCEEDED)
    second.finish(JobState.CANCELLED)
    assert JobRepository(stack.store).status(job_id).state is JobState.CANCELLED
    stack.store.delete_prefix(Keys(job_id).record)


def test_leased_job_is_not_taken_over(stack: Stack) -> None:
    job_id = record_only(stack, b"")
    holder, other = JobRecord(stack.store, job_id), JobRecord(stack.store, job_id)
    holder.load()
    holder.begin()
    other.load()
    assert other.leased_by_another()
    assert not holder.leased_by_another()
    other.status = other.status.model_copy(update={"updated_at": now() - DEFAULT_TERMS.delivered})
    assert not other.leased_by_another()
    holder.hand_back(counted=False)
    other.load()
    assert not other.leased_by_another()
    stack.store.delete_prefix(Keys(job_id).record)


def test_requeueing_a_running_job_is_harmless(client: Client, stack: Stack, sample: Path) -> None:
    job = client.submit(sample)
    for state in client.watch(job.id):
        if state.progress.frames_done > 10:
            break
    # A second, idle dispatcher takes the second message while the first is working.
    command = [sys.executable, "-m", "poseway_gateway.dispatcher"]
    env = {**os.environ, **stack.env}
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as second:
        assert second.stderr is not None
        assert put_back(stack) >= 1
        *_, last = client.watch(job.id)
        second.terminate()
        heard = second.stderr.read()
    assert "leased by another dispatcher" in heard
    assert last.state is JobState.SUCCEEDED
    status = JobStatus.model_validate_json(stack.store.get(Keys(job.id).status)[0])
    assert status.attempts == 1


def test_queue_that_lost_its_data_is_recreated(client: Client, stack: Stack) -> None:
    async def lose() -> None:
        env = stack.env
        server = await nats.connect(env["POSEWAY_NATS_URL"], token=env["POSEWAY_NATS_TOKEN"])
        await server.jetstream().delete_stream(STREAM)
        await server.close()

    asyncio.run(lose())
    path = stack.data_dir / "after.mp4"
    path.write_bytes(make_video(5))
    *_, last = client.watch(client.submit(path).id)
    assert last.state is JobState.SUCCEEDED
