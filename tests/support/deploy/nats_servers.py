"""NATS servers on loopback, with the configuration of the components."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from poseway.local.ports import free_ports
from poseway.local.supervisor import find_program
from poseway.settings import QueueSettings

COMPONENTS = Path(__file__).resolve().parents[3] / "deploy" / "k8s" / "components"
TOKEN = "nats_" + "0e1" * 20


def server_program() -> Path:
    program = find_program("nats-server")
    assert program is not None
    return program


def patch() -> dict[str, Any]:
    """Returns the patch of the component with three servers."""
    return dict(yaml.safe_load((COMPONENTS / "nats-cluster" / "nats.yaml").read_text()))


class Servers:
    """Servers on loopback, configured like those of the component except for addresses."""

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
        """Returns the port on which a server accepts the other servers."""
        return self._places[number][2]

    def hand_over(self, number: int) -> None:
        """Stops a server as Kubernetes does, with the preStop hook and the signal."""
        process = self._running[number]
        (container,) = patch()["spec"]["template"]["spec"]["containers"]
        command = container["lifecycle"]["preStop"]["exec"]["command"]
        assert command[0] == "nats-server"
        # In a container the server has process id 1.
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
