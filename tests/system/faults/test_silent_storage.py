"""Object storage that accepts connections but never responds: waiting for it is bounded."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from poseway.client import Client
from poseway.jobs import JobState, Keys
from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from tests.support.videos import make_video
from tests.support.waiting import until

SECONDS = {
    "segment_seconds": 1,
    "heartbeat_seconds": 1,
    "lease_seconds": 4,
    "stop_seconds": 3,
    "hand_back_seconds": 3,
}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stack]:
    """A system of its own, because storage is shared by all tests."""
    env = {f"POSEWAY_{name.upper()}": str(seconds) for name, seconds in SECONDS.items()}
    with Stack(tmp_path, free_ports(1)[0], env) as running:
        yield running


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_dispatcher_stops_while_storage_is_silent(own: Stack) -> None:
    with Client(own.gateway_url) as client:
        job = client.submit(make_video(300))
        until(lambda: own.store.exists(Keys(job.id).segment(1, "checkpoint.json")))
        dispatcher = own.pid("dispatcher")
        with stopped(own.pid("object-storage")):
            # The dispatcher is waiting for storage to renew its lease.
            time.sleep(SECONDS["heartbeat_seconds"] + 1)
            os.kill(dispatcher, signal.SIGTERM)
            stopping = SECONDS["stop_seconds"] + SECONDS["hand_back_seconds"]
            end = time.monotonic() + stopping + 10
            while Path(f"/proc/{dispatcher}").exists():
                assert time.monotonic() < end
                time.sleep(0.1)
        assert client.wait(job.id).state is JobState.SUCCEEDED
