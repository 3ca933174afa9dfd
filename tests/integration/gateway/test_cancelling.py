"""Cancelling a job stops its work in every service."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.client import Client
from poseway.jobs import Job, JobState, Keys
from poseway.local.stack import Stack
from tests.support import processes
from tests.support.videos import make_video

TIMES = 3
SECONDS = 2.0
SERVICES = ("dispatcher", "inference", "tracker", "renderer")
# CPU time per second of one core. An idle service uses a hundredth of that.
IDLE = 0.2


def noise(index: int) -> NDArray[np.uint8]:
    """An image that is slow to encode."""
    return np.random.default_rng(index).integers(0, 256, (720, 1280, 3), np.uint8)


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One segment that takes seconds to encode."""
    path = tmp_path_factory.mktemp("heavy") / "heavy.mp4"
    path.write_bytes(make_video(48, picture=noise, options={"preset": "ultrafast"}))
    return path


def cpu_seconds(stack: Stack) -> float:
    """Returns the CPU time that the services have used so far, in seconds."""
    return sum(processes.cpu_seconds(stack.pid(name)) for name in SERVICES)


def inferring(job: Job) -> bool:
    return job.progress.frames_done > 0


def rendering(job: Job) -> bool:
    """Returns whether all people are found, so that only rendering of the one segment remains."""
    return job.progress.frames_done == job.progress.frames_total


def cancel_when(
    client: Client, stack: Stack, job: Job, busy: Callable[[Job], bool]
) -> tuple[float, float]:
    """Cancels a job at a given point.

    Returns:
        Seconds until it is cancelled, and CPU seconds that the services take in the second that
        begins two seconds after it was asked for.
    """
    for job in client.watch(job.id):  # noqa: B020 # the one at that moment
        if busy(job):
            break
    time.sleep(0.3)  # the step after that point has begun
    assert client.job(job.id).state is JobState.RUNNING
    began = time.monotonic()
    client.cancel(job.id)
    while client.job(job.id).state is JobState.RUNNING:
        time.sleep(0.02)
    took = time.monotonic() - began
    time.sleep(max(0.0, began + SECONDS - time.monotonic()))
    before = cpu_seconds(stack)
    time.sleep(1)
    return took, cpu_seconds(stack) - before


@pytest.mark.parametrize("busy", [inferring, rendering])
def test_cancelled_job_stops_at_once_and_leaves_nothing(
    client: Client, stack: Stack, sample: Path, heavy: Path, busy: Callable[[Job], bool]
) -> None:
    measured = []
    for _ in range(TIMES):
        job = client.submit(
            heavy if busy is rendering else sample, {"crf": "1", "background": "true"}
        )
        measured.append(cancel_when(client, stack, job, busy))
        keys = Keys(job.id)
        assert client.job(job.id).state is JobState.CANCELLED
        left = {item.key for item in stack.store.walk("") if job.id in item.key}
        # A multipart upload is kept for a day, so that its completion can be repeated.
        assert left - {f"pending/{job.id}.json"} == {keys.request, keys.status, keys.cancel}
        client.cancel(job.id)
    took, used = zip(*measured, strict=True)
    assert median(took) <= SECONDS, measured
    assert median(used) <= IDLE, measured
