"""The dispatcher answers probes from the event loop that runs its jobs."""

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from poseway.local.ports import free_ports
from poseway.local.supervisor import find_program
from poseway_gateway.dispatcher.health_server import Health
from tests.support.waiting import first_answer, until


def test_live_from_the_start_and_ready_once_jobs_can_be_taken() -> None:
    async def ask() -> list[int]:
        health = Health()
        server = await health.serve(0)
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, httpx.AsyncClient(trust_env=False, base_url=address) as client:
            answers = [await client.get("/healthz"), await client.get("/readyz")]
            health.ready = True
            answers += [await client.get("/healthz"), await client.get("/readyz")]
        return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200, 503, 200, 200]


@pytest.mark.parametrize("said", [b"\r\n\r\n", b"x" * 20_000, b"GET"])
def test_malformed_request_is_dropped(said: bytes) -> None:
    async def ask() -> int:
        health = Health()
        server = await health.serve(0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            writer.write_eof()
            # Unread data is discarded with the connection.
            with suppress(ConnectionResetError):
                await reader.read()
            writer.close()
            address = f"http://127.0.0.1:{port}/healthz"
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(address)).status_code

    assert asyncio.run(ask()) == 200


def wait_for_status(url: str, status: int) -> None:
    with httpx.Client(trust_env=False) as client:
        until(lambda: first_answer(lambda: client.get(url)).status_code == status)


def test_dispatcher_is_live_without_a_queue_and_ready_with_one(tmp_path: Path) -> None:
    health, queue = free_ports(2)
    env = os.environ | {
        "POSEWAY_HEALTH_PORT": str(health),
        "POSEWAY_NATS_URL": f"nats://127.0.0.1:{queue}",
    }
    nats = find_program("nats-server")
    assert nats
    dispatcher = subprocess.Popen([sys.executable, "-m", "poseway_gateway.dispatcher"], env=env)
    try:
        url = f"http://127.0.0.1:{health}"
        wait_for_status(f"{url}/healthz", 200)
        wait_for_status(f"{url}/readyz", 503)
        server = subprocess.Popen(
            [nats, "-js", "-a", "127.0.0.1", "-p", str(queue), "-sd", tmp_path]
        )
        try:
            wait_for_status(f"{url}/readyz", 200)
        finally:
            server.terminate()
            server.wait()
        dispatcher.terminate()
        assert dispatcher.wait(30) == 0
    finally:
        dispatcher.kill()
        dispatcher.wait()
