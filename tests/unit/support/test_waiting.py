"""Waiting for a condition, and for a server that does not listen yet."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from poseway.client import Client
from poseway.errors import UnavailableError
from poseway.local.ports import free_ports
from tests.support.waiting import first_answer, until

EMPTY = b'{"jobs": [], "next_cursor": null}'


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path.startswith("/v1/jobs?") else 503)
        self.send_header("Content-Length", str(len(EMPTY)))
        self.end_headers()
        self.wfile.write(EMPTY)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def late(seconds: float) -> Iterator[str]:
    """The address of a server that starts after `seconds`."""
    port = free_ports(1)[0]
    over = threading.Event()

    def serve() -> None:
        over.wait(seconds)
        with HTTPServer(("127.0.0.1", port), Handler) as server:
            server.timeout = 0.1
            while not over.is_set():
                server.handle_request()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        over.set()
        thread.join()


def test_a_client_gives_up_on_a_gateway_that_never_answered() -> None:
    with late(3) as url, Client(url) as client, pytest.raises(UnavailableError):
        list(client.jobs())


def test_the_first_answer_is_returned() -> None:
    with late(1) as url, Client(url) as client:
        assert first_answer(lambda: list(client.jobs())) == []
    with late(1) as url:
        assert first_answer(lambda: httpx.get(url)).status_code == 503


def test_an_answered_refusal_is_not_retried() -> None:
    with late(0) as url, Client(url, patience_seconds=0) as client:
        assert first_answer(lambda: list(client.jobs())) == []
        with pytest.raises(UnavailableError):
            first_answer(lambda: client.job("0" * 32))


def test_waiting_ends_at_the_limit() -> None:
    began = time.monotonic()
    with pytest.raises(AssertionError, match="within 0 s"):
        until(lambda: False, 0)
    assert time.monotonic() - began < 30
