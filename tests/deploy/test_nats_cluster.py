"""The queue on three servers, with the configuration of the component, goes on when one fails."""

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import nats.errors
import pytest
import yaml
from pydantic import SecretStr

from poseway.errors import UnavailableError
from poseway.local.place import find_program, free_ports
from poseway.queue import STREAM, JobQueue
from poseway.settings import QueueSettings

COMPONENTS = Path(__file__).resolve().parents[2] / "deploy" / "k8s" / "components"
TOKEN = "nats_" + "0e1" * 20


def server_program() -> Path:
    program = find_program("nats-server")
    assert program is not None
    return program


def patch() -> dict[str, Any]:
    """What the component of three changes of the one's servers."""
    return dict(yaml.safe_load((COMPONENTS / "nats-cluster" / "nats.yaml").read_text()))


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
        assert "6222" not in config
        (folder / "nats.conf").write_text(config)
        env = {
            **os.environ,
            "POD_NAME": f"nats-{number}",
            "POSEWAY_NATS_TOKEN": TOKEN,
            **{
                f"ROUTE_{other}": f"nats://poseway:{TOKEN}@127.0.0.1:{port}"
                for other, (_, _, port) in enumerate(self._places)
            },
        }
        with (folder / "log").open("ab") as log:
            self._running[number] = subprocess.Popen(
                [server_program(), "--config", folder / "nats.conf"], env=env, stderr=log
            )

    def route(self, number: int) -> int:
        """Port on which a server listens to the others."""
        return self._places[number][2]

    def hand_over(self, number: int) -> None:
        """Stops a server as Kubernetes does: what goes before the signal, and the signal."""
        process = self._running[number]
        (container,) = patch()["spec"]["template"]["spec"]["containers"]
        command = container["lifecycle"]["preStop"]["exec"]["command"]
        assert command[0] == "nats-server"
        # In a container it is the first process.
        assert command[-1] == "ldm=1"
        subprocess.run([server_program(), *command[1:-1], f"ldm={process.pid}"], check=True)
        process.terminate()

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


T = TypeVar("T")


async def at_last(ask: Callable[[], Awaitable[T]]) -> T:
    """Asks again until the servers agree who leads."""
    while True:
        try:
            return await ask()
        except (nats.errors.Error, TimeoutError, UnavailableError):
            await asyncio.sleep(0.2)


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


def test_one_server_keeps_jobs_over_its_death(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("stop", [Servers.kill, Servers.hand_over])
def test_three_servers_lose_nothing_when_the_leader_goes(
    tmp_path: Path, stop: Callable[[Servers, int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Enough for machines that are busy with other things.
    monkeypatch.setattr("poseway.queue._TAKEOVER_SECONDS", 120)

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
    """How many copies there are of the streams."""
    names = (STREAM, "POSEWAY_WEBHOOKS", "POSEWAY_PROGRESS")
    infos = [await queue._stream.stream_info(name) for name in names]
    return {info.config.num_replicas for info in infos}


def test_a_queue_of_one_copy_gets_three(tmp_path: Path) -> None:
    async def run(cluster: Servers) -> None:
        old = await JobQueue.connect(cluster.settings(1))
        await old.publish("kept")
        assert await copies(old) == {1}
        new = await JobQueue.connect(cluster.settings(3))
        assert await copies(new) == {3}
        # One that still runs with the old setting is content with what there is.
        await old.check()
        await (await old.follow()).stop()
        assert await copies(old) == {3}
        assert await take(new, 1) == ["kept"]
        for queue in (old, new):
            await queue.close()

    with servers(tmp_path, "nats-cluster", 3) as cluster:
        asyncio.run(run(cluster))


def test_followers_go_on_with_another_server(tmp_path: Path) -> None:
    async def run(cluster: Servers) -> tuple[bool, set[str]]:
        queue = await JobQueue.connect(cluster.settings(3))
        await queue.report_gone("before", "me")
        before = await queue.follow()
        cluster.kill(await leader(queue))
        after = await at_last(queue.follow)
        await queue.report_gone("after", "me")
        heard: set[str] = set()
        async for item in after.news():
            heard.add(item.job_id)
            if len(heard) == 2:
                break
        await queue.close()
        return before.life == after.life, heard

    with servers(tmp_path, "nats-cluster", 3) as cluster:
        assert asyncio.run(run(cluster)) == (True, {"before", "after"})


def test_a_stranger_is_no_server_of_the_cluster(tmp_path: Path) -> None:
    def greeting(port: int, password: str) -> bytes:
        """What a server says to another that names itself with a password."""
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


def test_the_addresses_of_the_others_have_the_token_and_the_pods_names() -> None:
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
