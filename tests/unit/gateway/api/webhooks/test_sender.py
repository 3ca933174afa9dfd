"""Webhooks go to the address that was checked, and to no private network."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from poseway_gateway.api.webhooks.sender import WebhookSender
from poseway_gateway.api.webhooks.ssrf_guard import RefusedError, is_public, resolve
from tests.support.webhook_receiver import Receiver, listening


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as server:
        yield server


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    async def run() -> int:
        async with WebhookSender(private=True) as sender:
            return await sender.send(receiver.url, b"{}", {})

    receiver.answers = [307]
    assert asyncio.run(run()) == 307
    assert receiver.received.qsize() == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_private_addresses_are_refused(receiver: Receiver, host: str) -> None:
    async def run() -> None:
        async with WebhookSender(private=False) as sender:
            await sender.send(f"http://{host}:{receiver.server_port}", b"{}", {})

    with pytest.raises(RefusedError):
        asyncio.run(run())
    assert receiver.received.empty()


def test_the_checked_address_is_used_without_a_second_lookup(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is resolved again may by then lead into the private network."""
    look_up = socket.getaddrinfo
    asked: list[str | bytes] = []

    def once(host: str | bytes, *args: int, **more: int) -> list[tuple[object, ...]]:
        if host in ("hook.example", b"hook.example"):
            asked.append(host)
            if len(asked) > 1:
                raise socket.gaierror(socket.EAI_NONAME, "looked up twice")
            host = "127.0.0.1"
        return list(look_up(host, *args, **more))

    async def run() -> int:
        async with WebhookSender(private=True) as sender:
            url = f"http://hook.example:{receiver.server_port}/hook"
            return await sender.send(url, b"{}", {})

    monkeypatch.setattr(socket, "getaddrinfo", once)
    assert asyncio.run(run()) == 204
    assert len(asked) == 1
    path, headers, _ = receiver.received.get(timeout=10)
    assert path == "/hook"
    assert headers["host"] == f"hook.example:{receiver.server_port}"


def test_slow_dns_lookups_block_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    look_up = socket.getaddrinfo

    def slow(host: str, port: int, **more: int) -> list[tuple[object, ...]]:
        done.wait(30)
        return list(look_up(host, port, **more))

    async def run() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        names = [asyncio.create_task(resolve("localhost", 80, private=True)) for _ in range(8)]
        await asyncio.sleep(0.1)
        try:
            async with asyncio.timeout(5):
                await asyncio.to_thread(time.monotonic)
        finally:
            done.set()
        await asyncio.gather(*names)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    asyncio.run(run())


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", False),
        ("64:ff9b:1::a00:1", False),
        ("2002:a00:1::", False),
        ("fec0::1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:7f00:1", False),
    ],
)
def test_public_addresses_are_recognized(address: str, public: bool) -> None:
    assert is_public(address) is public
