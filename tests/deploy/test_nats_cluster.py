"""The queue on three servers, with the configuration of the component, goes on when one fails."""

import asyncio
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from poseway.local.place import find_program, free_ports
from poseway.queue import STREAM, JobQueue
from poseway.settings import QueueSettings

COMPONENTS = Path(__file__).resolve().parents[2] / "deploy" / "k8s" / "components"
TOKEN = "nats_" + "0e1" * 20


class Servers:
    """Servers on loopback, configured as those of the component but for their addresses."""

    def __init__(self, folder: Path, component: str, count: int) -> None:
        self._folder = folder
        ports = free_ports(3 * count)
        self._places = [ports[3 * i : 3 * i + 3] for i in range(count)]
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._config = (COMPONENTS / component / "nats.conf").read_text()
        self._shared = (COMPONENTS / "nats" / "server.conf").read_text()

    def start(self, number: int) -> None:
        client, monitor, routes = self._places[number]
        folder = self._folder / f"nats-{number}"
        folder.mkdir(exist_ok=True)
        moved = {"4222": client, "8222": monitor, "/data": folder / "data"}
        text = f"host: 127.0.0.1\n{self._shared}"
        for there, here in moved.items():
            assert there in text
            text = text.replace(there, str(here))
        (folder / "server.conf").write_text(text)
        config = self._config.replace("port: 6222", f"listen: 127.0.0.1:{routes}")
        for other, (_, _, port) in enumerate(self._places):
            config = config.replace(f"nats-{other}.nats:6222", f"127.0.0.1:{port}")
        assert "6222" not in config
        (folder / "nats.conf").write_text(config)
        program = find_program("nats-server")
        assert program is not None
        env = {**os.environ, "POD_NAME": f"nats-{number}", "POSEWAY_NATS_TOKEN": TOKEN}
        with (folder / "log").open("ab") as log:
            self._running[number] = subprocess.Popen(
                [program, "--config", folder / "nats.conf"], env=env, stderr=log
            )

    def kill(self, number: int) -> None:
        process = self._running.pop(number)
        process.kill()
        process.wait()

    def settings(self, replicas: int) -> QueueSettings:
        urls = ",".join(f"nats://127.0.0.1:{client}" for client, _, _ in self._places)
        return QueueSettings(nats_url=urls, nats_token=SecretStr(TOKEN), nats_replicas=replicas)

    def stop(self) -> None:
        for number in list(self._running):
            self.kill(number)


@contextmanager
def servers(folder: Path, component: str, count: int) -> Iterator[Servers]:
    started = Servers(folder, component, count)
    try:
        for number in range(count):
            started.start(number)
        yield started
    finally:
        started.stop()


async def leader(queue: JobQueue) -> int:
    """Number of the server that leads the stream of jobs."""
    while True:
        info = await queue._stream.stream_info(STREAM)
        if info.cluster and info.cluster.leader:
            return int(info.cluster.leader.removeprefix("nats-"))
        await asyncio.sleep(0.1)


async def take(queue: JobQueue, count: int) -> list[str]:
    """Takes so many jobs off the queue."""
    stopping = asyncio.Event()
    taken: list[str] = []
    async for delivery in queue.deliveries(stopping):
        taken.append(delivery.job_id)
        await delivery.done()
        if len(taken) == count:
            stopping.set()
    return taken


async def publish(queue: JobQueue, name: str) -> None:
    """Publishes a job, again while a new leader is being chosen."""
    while True:
        try:
            return await queue.publish(name)
        except Exception as error:
            if "queue" not in str(error):
                raise
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("component", ["nats"])
def test_one_server_keeps_jobs_over_its_death(tmp_path: Path, component: str) -> None:
    async def run(cluster: Servers) -> list[str]:
        queue = await JobQueue.connect(cluster.settings(1))
        await queue.publish("first")
        cluster.kill(0)
        cluster.start(0)
        taken = await take(queue, 1)
        await queue.close()
        return taken

    with servers(tmp_path, component, 1) as cluster:
        assert asyncio.run(run(cluster)) == ["first"]


def test_three_servers_lose_nothing_when_the_leader_dies(tmp_path: Path) -> None:
    async def run(cluster: Servers) -> list[str]:
        queue = await JobQueue.connect(cluster.settings(3))
        info = await queue._stream.stream_info(STREAM)
        assert info.config.num_replicas == 3
        for number in range(5):
            await publish(queue, f"before-{number}")
        cluster.kill(await leader(queue))
        for number in range(5):
            await publish(queue, f"after-{number}")
        taken = await take(queue, 10)
        await queue.close()
        return taken

    with servers(tmp_path, "nats-cluster", 3) as cluster:
        taken = asyncio.run(run(cluster))
    assert sorted(taken) == sorted(f"{when}-{n}" for when in ("before", "after") for n in range(5))


def test_a_queue_of_one_copy_gets_three(tmp_path: Path) -> None:
    async def run(cluster: Servers) -> tuple[int | None, list[str]]:
        queue = await JobQueue.connect(cluster.settings(1))
        await publish(queue, "kept")
        await queue.close()
        queue = await JobQueue.connect(cluster.settings(3))
        info = await queue._stream.stream_info(STREAM)
        taken = await take(queue, 1)
        await queue.close()
        return info.config.num_replicas, taken

    with servers(tmp_path, "nats-cluster", 3) as cluster:
        assert asyncio.run(run(cluster)) == (3, ["kept"])


def test_nobody_connects_without_the_token(tmp_path: Path) -> None:
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
