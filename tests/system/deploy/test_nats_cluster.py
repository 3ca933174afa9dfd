"""The queue on three servers, configured as in the component, survives the loss of one."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import nats.errors
import pytest

from poseway.errors import UnavailableError
from poseway.messaging.job_queue import STREAM, JobQueue
from poseway.messaging.status_feed import Follower
from tests.support.deploy.nats_servers import TOKEN, Servers, patch, servers


async def leader(queue: JobQueue) -> int:
    """Number of the server that leads the stream of jobs."""
    while True:
        info = await queue._stream.stream_info(STREAM)
        if info.cluster and info.cluster.leader:
            return int(info.cluster.leader.removeprefix("nats-"))
        await asyncio.sleep(0.1)


T = TypeVar("T")


async def at_last(ask: Callable[[], Awaitable[T]]) -> T:
    """Polls until the servers agree on a leader."""
    while True:
        try:
            return await ask()
        except (nats.errors.Error, TimeoutError, UnavailableError):
            await asyncio.sleep(0.2)


async def take(queue: JobQueue, count: int) -> list[str]:
    """Takes `count` jobs off the queue."""
    stopping = asyncio.Event()
    taken: list[str] = []
    async for delivery in queue.deliveries(stopping):
        taken.append(delivery.job_id)
        await delivery.done()
        if len(taken) == count:
            stopping.set()
    return taken


def test_one_server_keeps_its_jobs_when_it_is_killed(tmp_path: Path) -> None:
    async def run(cluster: Servers) -> list[str]:
        queue = await JobQueue.connect(cluster.settings(1))
        await queue.publish("first")
        cluster.kill(0)
        cluster.start(0)
        taken = await take(queue, 1)
        await queue.close()
        return taken

    with servers(tmp_path, "nats", 1) as cluster:
        assert asyncio.run(run(cluster)) == ["first"]


@pytest.mark.essential
@pytest.mark.parametrize("stop", [Servers.kill, Servers.hand_over])
def test_three_servers_lose_nothing_without_their_leader(
    tmp_path: Path, stop: Callable[[Servers, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Enough for busy machines.
    monkeypatch.setattr("poseway.messaging.job_queue._TAKEOVER_SECONDS", 120)

    async def run(cluster: Servers) -> list[str]:
        queue = await JobQueue.connect(cluster.settings(3))
        info = await queue._stream.stream_info(STREAM)
        assert info.config.num_replicas == 3
        for number in range(5):
            await queue.publish(f"before-{number}")
        stop(cluster, await leader(queue))
        for number in range(5):
            await queue.publish(f"after-{number}")
        taken = await take(queue, 10)
        await at_last(queue.check)
        await queue.close()
        return taken

    with servers(tmp_path, "nats-cluster", 3) as cluster:
        taken = asyncio.run(run(cluster))
    assert sorted(taken) == sorted(f"{when}-{n}" for when in ("before", "after") for n in range(5))


async def copies(queue: JobQueue) -> set[int | None]:
    """Number of copies of the streams."""
    names = (STREAM, "POSEWAY_WEBHOOKS", "POSEWAY_PROGRESS")
    infos = [await queue._stream.stream_info(name) for name in names]
    return {info.config.num_replicas for info in infos}


def test_a_queue_with_one_copy_gets_three(tmp_path: Path) -> None:
    async def run(cluster: Servers) -> None:
        old = await JobQueue.connect(cluster.settings(1))
        await old.publish("kept")
        assert await copies(old) == {1}
        new = await JobQueue.connect(cluster.settings(3))
        assert await copies(new) == {3}
        # A gateway that still has the old setting accepts the stream as it is.
        await old.check()
        await (await old.follow()).stop()
        assert await copies(old) == {3}
        assert await take(new, 1) == ["kept"]
        back = await JobQueue.connect(cluster.settings(1))
        assert await copies(back) == {1}
        for queue in (old, new, back):
            await queue.close()

    with servers(tmp_path, "nats-cluster", 3) as cluster:
        asyncio.run(run(cluster))


def test_status_feeds_continue_on_another_server(tmp_path: Path) -> None:
    async def hear(follower: Follower, job_id: str) -> None:
        async for item in follower.changes():
            if item.job_id == job_id:
                return

    async def tell(queue: JobQueue, job_id: str) -> None:
        # Messages published without a leader are lost, which is permitted: the feed is no record.
        while True:
            await queue.report_gone(job_id, "me")
            await asyncio.sleep(0.2)

    async def run(cluster: Servers) -> bool:
        queue = await JobQueue.connect(cluster.settings(3))
        telling = asyncio.create_task(tell(queue, "before"))
        before = await queue.follow()
        await hear(before, "before")
        telling.cancel()
        cluster.kill(await leader(queue))
        after = await at_last(queue.follow)
        telling = asyncio.create_task(tell(queue, "after"))
        await hear(after, "after")
        telling.cancel()
        await queue.close()
        return before.life == after.life

    with servers(tmp_path, "nats-cluster", 3) as cluster:
        assert asyncio.run(run(cluster))


def test_a_stranger_cannot_join_the_cluster(tmp_path: Path) -> None:
    def greeting(port: int, password: str) -> bytes:
        """A server's response to another server that connects with a password."""
        hello = {
            "user": "poseway",
            "pass": password,
            "verbose": False,
            "name": "x",
            "cluster": "poseway",
        }
        with socket.create_connection(("127.0.0.1", port), timeout=10) as other:
            assert other.recv(4096).startswith(b"INFO")
            other.sendall(f"CONNECT {json.dumps(hello)}\r\nPING\r\n".encode())
            answer = b""
            while b"PONG" not in answer and (more := other.recv(4096)):
                answer += more
        return answer

    async def run(cluster: Servers) -> None:
        await (await JobQueue.connect(cluster.settings(3))).close()

    with servers(tmp_path, "nats-cluster", 3) as cluster:
        asyncio.run(run(cluster))
        assert b"PONG" in greeting(cluster.route(0), TOKEN)
        refused = greeting(cluster.route(0), "guessed")
    assert b"Authorization Violation" in refused
    assert b"PONG" not in refused


def test_routes_contain_the_token_and_the_pod_names() -> None:
    spec = patch()["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    first, *routes = container["env"]
    # Only a variable that comes before can be named in another.
    assert first["name"] == "POSEWAY_NATS_TOKEN"
    assert routes == [
        {
            "name": f"ROUTE_{number}",
            "value": f"nats://poseway:$(POSEWAY_NATS_TOKEN)@nats-{number}.nats:6222",
        }
        for number in range(spec["replicas"])
    ]


def test_connections_need_the_token(tmp_path: Path) -> None:
    async def run(cluster: Servers) -> None:
        await (await JobQueue.connect(cluster.settings(1))).close()

    with servers(tmp_path, "nats", 1) as cluster:
        asyncio.run(run(cluster))
        port = int(cluster.settings(1).nats_url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as stranger:
            stranger.sendall(b"CONNECT {}\r\nPING\r\n")
            answer = b""
            while more := stranger.recv(4096):
                answer += more
    assert b"Authorization Violation" in answer
    assert b"PONG" not in answer
