"""The client against gateways that drop connections."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from poseway.client import Client
from poseway.errors import UnavailableError
from poseway.jobs import Job, JobOptions, JobState, Progress, now

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\n"


def event(state: JobState) -> bytes:
    job = Job(
        id="0" * 32,
        name="a",
        size=1,
        state=state,
        progress=Progress(),
        options=JobOptions(),
        created_at=now(),
        started_at=None,
        finished_at=None,
        error=None,
        links={},
    )
    return b"data: " + job.model_dump_json().encode() + b"\n\n"


@contextmanager
def gateway(*answers: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of a server that gives one answer per connection and then refuses all others."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    answer(connection)
            server.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)
        assert not thread.is_alive()


def test_watching_survives_a_lost_connection_after_a_long_silence() -> None:

    def quiet(connection: socket.socket) -> None:
        connection.sendall(STREAM + event(JobState.RUNNING))
        time.sleep(1.2)

    def busy(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

    def end(connection: socket.socket) -> None:
        connection.sendall(STREAM + event(JobState.SUCCEEDED))

    with gateway(quiet, busy, end) as url, Client(url, patience_seconds=1.5) as client:
        states = [job.state for job in client.watch("0" * 32)]
    assert states == [JobState.RUNNING, JobState.SUCCEEDED]


def test_watching_gives_up_on_an_unreachable_gateway() -> None:

    def begin(connection: socket.socket) -> None:
        connection.sendall(STREAM + event(JobState.RUNNING))

    with gateway(begin) as url, Client(url, patience_seconds=1.5) as client:
        jobs = client.watch("0" * 32)
        assert next(jobs).state is JobState.RUNNING
        began = time.monotonic()
        with pytest.raises(UnavailableError, match="cannot be reached"):
            next(jobs)
    assert time.monotonic() - began > 0.8


def test_failed_download_leaves_no_file(tmp_path: Path) -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(STREAM + b"half")

    target = tmp_path / "video.mp4"
    with (
        gateway(half) as url,
        Client(url, patience_seconds=0.8) as client,
        pytest.raises(UnavailableError, match="cannot be reached"),
    ):
        client.download("/v1/jobs/0/video.mp4", target)
    assert not target.exists()
