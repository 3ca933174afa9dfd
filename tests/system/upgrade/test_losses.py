"""A queue that lost its data, and a system restored from a copy of the bucket."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from poseway.client import Client
from poseway.errors import NotFoundError
from poseway.jobs import JobOptions, JobRequest, JobState, JobStatus, Keys, new_job_id, now
from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from poseway_gateway.api.jobs.repository import JobRepository
from tests.support.videos import make_video
from tests.support.waiting import until
from tests.system.upgrade.record import small
from tests.system.upgrade.records import put_back

# These tests start their own systems, which takes a while.
pytestmark = pytest.mark.timeout(900)

# Copied in this order, objects are consistent even if they change during the copy.
COPIED = ("uploads/", "jobs/", "results/", "owners/", "keys/", "usage/")
SEGMENTS = {"POSEWAY_SEGMENT_SECONDS": "1"}


@dataclass
class Jobs:
    """Jobs of a system at the time of a loss.

    Attributes:
        done: A job that had ended.
        running: A running job with a checkpoint.
        queued: Queued jobs; the last one belongs to an API key.
    """

    done: str
    running: str
    queued: list[str]

    @property
    def unfinished(self) -> set[str]:
        return {self.running, *self.queued}

    @property
    def all(self) -> set[str]:
        return {self.done} | self.unfinished


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Stack]:
    """A system of its own, whose data may be lost."""
    with Stack(tmp_path / "busy", free_ports(1)[0], SEGMENTS) as running:
        yield running


def make_busy(stack: Stack, folder: Path, sample: Path) -> Jobs:
    """Submits jobs and returns once one of them is half done."""
    short, long = folder / "short.mp4", folder / "long.mp4"
    short.write_bytes(make_video(5))
    long.write_bytes(small(sample))
    with Client(stack.gateway_url) as client:
        done = client.submit(short).id
        assert client.wait(done).state is JobState.SUCCEEDED
        running = client.submit(long).id
        queued = [client.submit(short).id for _ in range(2)]
        queued.append(submit_as("0123abcd", stack, short.read_bytes()))
        checkpoint = Keys(running).segment(0, "checkpoint.json")
        until(lambda: stack.store.exists(checkpoint), pause=0.01)
    return Jobs(done, running, queued)


def submit_as(owner: str, stack: Stack, video: bytes) -> str:
    """A job of an API key, recorded by a gateway but not yet queued."""
    job_id = new_job_id()
    stack.store.put(Keys(job_id).upload, video, "video/mp4")
    JobRepository(stack.store).add(
        JobRequest(
            id=job_id,
            name="owned.mp4",
            size=len(video),
            sha256=None,
            created_at=now(),
            options=JobOptions(),
            owner=owner,
        )
    )
    return job_id


def put_back_beside_a_gateway(stack: Stack) -> None:
    """Runs the command as an operator does: with the settings of a running gateway."""
    taken = stack.gateway_url.rpartition(":")[2]
    subprocess.run(
        [sys.executable, "-m", "poseway_gateway.admin.requeue"],
        env={**os.environ, **stack.env, "POSEWAY_METRICS_PORT": taken},
        check=True,
        timeout=120,
    )


def assert_done_once(stack: Stack, jobs: Jobs) -> None:
    """Checks that every job ends, is listed once and has a result, and none started twice."""
    with Client(stack.gateway_url) as client:
        for job_id in jobs.all:
            *_, last = client.watch(job_id)
            assert last.state is JobState.SUCCEEDED, last.error
            frames = client.manifest(job_id).frames
            assert frames == (50 if job_id == jobs.running else 5)
            status = JobStatus.model_validate_json(stack.store.get(Keys(job_id).status)[0])
            assert (status.attempts, status.restarts) == (1, 0)
        listed = [job.id for job in client.jobs()]
    assert sorted(listed) == sorted(jobs.all)
    assert stack.store.folders("owners/0123abcd/", "", 10) == [jobs.queued[-1]]


def test_every_job_runs_once_after_the_queue_lost_its_data(
    busy: Stack, tmp_path: Path, sample: Path
) -> None:
    jobs = make_busy(busy, tmp_path, sample)
    before = busy.pid("queue")
    # What it still writes is never read again.
    (busy.data_dir / "nats").rename(busy.data_dir / "lost")
    os.kill(before, signal.SIGKILL)
    until(lambda: busy.pid("queue") != before)
    put_back_beside_a_gateway(busy)
    assert_done_once(busy, jobs)
    ends = (busy.data_dir / "logs" / "dispatcher.log").read_text().count('"event": "ended"')
    assert ends == len(jobs.all)


def test_a_copy_of_the_bucket_restores_the_system(
    busy: Stack, tmp_path: Path, sample: Path
) -> None:
    jobs = make_busy(busy, tmp_path, sample)
    objects = dict(copied(busy))
    busy.stop()
    shutil.rmtree(busy.data_dir)
    with Stack(tmp_path / "again", free_ports(1)[0], SEGMENTS) as again:
        for key, data in objects.items():
            again.store.put(key, data, content_type(key))
        assert put_back(again) >= len(jobs.queued)
        assert_done_once(again, jobs)


def copied(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """All objects except those deleted during the copy."""
    for prefix in COPIED:
        for item in stack.store.walk(prefix):
            with suppress(NotFoundError):
                yield item.key, stack.store.get(item.key)[0]


def content_type(key: str) -> str:
    """The metadata that a storage's own tools would copy."""
    kinds = {".json": "application/json", ".mp4": "video/mp4", ".jpg": "image/jpeg"}
    return kinds.get(Path(key).suffix, "application/octet-stream")
