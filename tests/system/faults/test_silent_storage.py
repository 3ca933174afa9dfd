"""Object storage that takes connections and says nothing: nobody waits for it without an end."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from poseway.client import Client
from poseway.jobs import JobState, Keys
from poseway.local.data_dir import free_ports
from poseway.local.stack import Stack
from poseway_gateway.dispatcher.job_record import BEAT_SECONDS
from poseway_gateway.dispatcher.worker import HAND_BACK_SECONDS, STOP_SECONDS
from tests.support.videos import make_video
from tests.support.waiting import until


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """A system of its own: storage is everybody's."""
    with Stack(tmp_path, free_ports(1)[0], {"POSEWAY_SEGMENT_SECONDS": "1"}) as running:
        yield running


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_dispatcher_stops_though_storage_is_silent(own: Stack) -> None:
    with Client(own.gateway_url) as client:
        job = client.submit(make_video(300))
        until(lambda: own.store.exists(Keys(job.id).segment(1, "checkpoint.json")))
        dispatcher = own.pid("dispatcher")
        with stopped(own.pid("object-storage")):
            # It is in the middle of saying that it has the job.
            time.sleep(BEAT_SECONDS + 1)
            os.kill(dispatcher, signal.SIGTERM)
            end = time.monotonic() + STOP_SECONDS + HAND_BACK_SECONDS + 10
            while Path(f"/proc/{dispatcher}").exists():
                assert time.monotonic() < end
                time.sleep(0.1)
        assert client.wait(job.id).state is JobState.SUCCEEDED
