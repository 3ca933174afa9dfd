"""Probes of the dispatcher are answered from the loop that runs its jobs."""

import asyncio
from contextlib import suppress

import httpx
import pytest

from services.gateway.dispatcher.health import Health


def test_it_is_ready_once_it_can_take_jobs_and_well_before() -> None:
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
def test_what_is_no_request_does_no_harm(said: bytes) -> None:
    async def ask() -> int:
        health = Health()
        server = await health.serve(0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            writer.write_eof()
            # What was not read is thrown away with the connection.
            with suppress(ConnectionResetError):
                await reader.read()
            writer.close()
            address = f"http://127.0.0.1:{port}/healthz"
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(address)).status_code

    assert asyncio.run(ask()) == 200
