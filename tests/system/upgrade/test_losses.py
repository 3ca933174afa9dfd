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

# They start systems of their own, which takes as long as it takes.
pytestmark = pytest.mark.timeout(900)

# In this order a copy that takes a while is of use, whatever happens meanwhile.
COPIED = ("uploads/", "jobs/", "results/", "owners/", "keys/", "usage/")
SEGMENTS = {"POSEWAY_SEGMENT_SECONDS": "1"}


@dataclass
class Jobs:
    """What a system had to do when something was lost.

    Attributes:
        done: A job that had ended.
        running: One that somebody was at work on, with a checkpoint.
        queued: Others, the last of them of somebody with a key.
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
    """Gives a system jobs, and comes back when one of them is half done."""
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
    """A job of somebody with a key, as a gateway records it before it is on the queue."""
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
    """Runs the command where an operator does: with all settings of a gateway that is running."""
    taken = stack.gateway_url.rpartition(":")[2]
    subprocess.run(
        [sys.executable, "-m", "poseway_gateway.admin.requeue"],
        env={**os.environ, **stack.env, "POSEWAY_METRICS_PORT": taken},
        check=True,
        timeout=120,
    )


def assert_done_once(stack: Stack, jobs: Jobs) -> None:
    """Every job ends, is listed once, and has its result; none was begun twice."""
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
    # What it still writes goes where it is not read again.
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
    """All objects; those that go away meanwhile are left out."""
    for prefix in COPIED:
        for item in stack.store.walk(prefix):
            with suppress(NotFoundError):
                yield item.key, stack.store.get(item.key)[0]


def content_type(key: str) -> str:
    """What a copy by a storage's own tools keeps of its own."""
    kinds = {".json": "application/json", ".mp4": "video/mp4", ".jpg": "image/jpeg"}
    return kinds.get(Path(key).suffix, "application/octet-stream")
