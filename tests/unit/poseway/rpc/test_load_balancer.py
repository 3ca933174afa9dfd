"""Which replica is called, also while replicas come and go."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator

import grpc
import pytest

from poseway.errors import InvalidRequestError, ServiceError
from poseway.rpc.client import connect, repeat
from poseway.rpc.load_balancer import Replicas, look_up
from tests.support.servers import Server, once


class Names:
    """A resolver with fixed addresses."""

    def __init__(self, *servers: Server) -> None:
        self.addresses = {server.address for server in servers}
        self.broken = False

    async def __call__(self, name: str) -> set[str]:
        if self.broken:
            raise socket.gaierror(socket.EAI_AGAIN, "try again")
        return set(self.addresses)


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    running = [Server() for _ in range(3)]
    yield running
    for server in running:
        server.stop()


def held(server: Server, release: threading.Event) -> None:
    """Makes a server respond only after `release` is set."""

    def answer(context: grpc.ServicerContext) -> bytes:
        release.wait(20)
        return b"done"

    server.answer = answer


def run(names: Names, work: Callable[[Replicas], Awaitable[None]]) -> None:
    async def whole() -> None:
        replicas = connect("test:1", resolve=names)
        try:
            await asyncio.wait_for(work(replicas), 30)
        finally:
            await replicas.close()

    asyncio.run(whole())


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 # the condition has no event
        await asyncio.sleep(0.02)


async def ask(replicas: Replicas) -> bytes:
    return await repeat(replicas, once, "test", 20)


def test_least_busy_replica_is_called(servers: list[Server]) -> None:
    """One replica is slow. With round-robin it would get every third call."""
    release = threading.Event()
    held(servers[0], release)
    for server in servers:
        server.start()

    async def work(replicas: Replicas) -> None:
        await until(lambda: replicas.count == 3)
        slow = [asyncio.create_task(ask(replicas)) for _ in range(6)]
        await until(lambda: servers[0].calls > 0 and sum(task.done() for task in slow) == 4)
        before = servers[0].calls
        for _ in range(30):
            assert await ask(replicas) == b"done"
        assert servers[0].calls == before == 2
        release.set()
        await asyncio.gather(*slow)

    run(Names(*servers), work)


def test_new_replica_is_called(servers: list[Server]) -> None:
    release = threading.Event()
    first, later, _ = servers
    held(first, release)
    names = Names(first)
    first.start()
    counts: list[int] = []

    async def work(replicas: Replicas) -> None:
        with replicas.followed(counts.append):
            busy = asyncio.create_task(ask(replicas))
            await until(lambda: first.calls == 1)
            later.start()
            names.addresses.add(later.address)
            await until(lambda: replicas.count == 2)
            assert await ask(replicas) == b"done"
        assert later.calls == 1
        assert counts == [0, 1, 2]
        release.set()
        await busy

    run(names, work)


def test_removed_replica_finishes_its_calls_and_gets_no_more(servers: list[Server]) -> None:
    release = threading.Event()
    leaving, staying, _ = servers
    held(leaving, release)
    names = Names(leaving)
    leaving.start()
    staying.start()

    async def work(replicas: Replicas) -> None:
        busy = asyncio.create_task(ask(replicas))
        await until(lambda: leaving.calls == 1)
        names.addresses = {staying.address}
        await until(lambda: replicas.count == 1 and staying.address in replicas.addresses)
        for _ in range(5):
            await ask(replicas)
        assert (leaving.calls, staying.calls) == (1, 5)
        release.set()
        assert await busy == b"done"

    run(names, work)


def test_failed_look_up_keeps_the_replicas(servers: list[Server]) -> None:
    names = Names(servers[0])
    servers[0].start()

    async def work(replicas: Replicas) -> None:
        await ask(replicas)
        names.broken = True
        await asyncio.sleep(4)  # look-ups happen every 3 s
        assert replicas.count == 1

    run(names, work)


def test_call_waits_until_a_service_has_a_replica(servers: list[Server]) -> None:
    names = Names()
    servers[0].start()

    async def work(replicas: Replicas) -> None:
        waiting = asyncio.create_task(ask(replicas))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        names.addresses.add(servers[0].address)
        assert await waiting == b"done"

    run(names, work)


def test_rejection_by_a_stopping_replica_is_not_a_try(servers: list[Server]) -> None:
    """Far more calls are rejected than a call has tries; other replicas serve all of them."""
    stopping, other, _ = servers
    stopping.start()
    other.start()

    async def work(replicas: Replicas) -> None:
        await until(lambda: replicas.count == 2)
        stopping.stopping.set()
        assert await asyncio.gather(*(ask(replicas) for _ in range(40))) == [b"done"] * 40
        assert (stopping.calls, other.calls) == (0, 40)

    run(Names(stopping, other), work)


def test_no_call_is_lost_while_replicas_restart(servers: list[Server]) -> None:
    """A graceful stop neither loses nor cuts a call."""
    for server in servers:
        server.start()

    async def work(replicas: Replicas) -> None:
        await until(lambda: replicas.count == 3)
        answers: list[bytes] = []

        async def ask_for_long() -> None:
            answers.extend([await ask(replicas) for _ in range(200)])

        asking = [asyncio.create_task(ask_for_long()) for _ in range(4)]
        for server in servers[:2]:
            await until(lambda server=server: server.calls > 20)  # type: ignore[misc]
            server.stopping.set()
            await asyncio.sleep(0.2)
            server.stop(10)
        await asyncio.gather(*asking)
        assert len(answers) == 800

    run(Names(*servers), work)


def test_failing_replica_is_avoided_for_a_while(servers: list[Server]) -> None:
    def broken(context: grpc.ServicerContext) -> bytes:
        raise RuntimeError

    bad, good, _ = servers
    bad.answer = broken
    bad.start()

    async def work(replicas: Replicas) -> None:
        with pytest.raises(ServiceError):
            await ask(replicas)
        good.start()
        await until(lambda: replicas.count == 2)
        bad.calls = 0
        assert [await ask(replicas) for _ in range(10)] == [b"done"] * 10
        assert bad.calls <= 2

    run(Names(bad, good), work)


def test_several_addresses_and_names() -> None:
    assert asyncio.run(look_up("127.0.0.1:5")) == {"127.0.0.1:5"}
    assert asyncio.run(look_up("[::1]:5")) == {"[::1]:5"}
    assert asyncio.run(look_up("no-such-host.invalid:5")) == set()


def test_addresses_are_separated_by_commas(servers: list[Server]) -> None:
    for server in servers:
        server.start()

    async def whole() -> None:
        replicas = connect(", ".join(server.address for server in servers))
        try:
            await asyncio.wait_for(until(lambda: replicas.count == 3), 20)
        finally:
            await replicas.close()

    asyncio.run(whole())


@pytest.mark.parametrize(
    "address", ["inference", "inference:http", ":1", "a..b:1", "a" * 64 + ":1"]
)
def test_malformed_address_is_refused_at_once(address: str) -> None:
    async def work() -> None:
        with pytest.raises(InvalidRequestError, match="host:port"):
            connect(f"127.0.0.1:1, {address}")

    asyncio.run(work())
