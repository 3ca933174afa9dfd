"""Manifests of the autoscalers, and a NATS server with monitoring as in a cluster."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from poseway.local.ports import free_ports
from poseway.local.supervisor import find_program
from poseway.paths import ROOT
from poseway.settings import QueueSettings

K8S = ROOT / "deploy" / "k8s"
TOKEN = "nats_" + "0e1" * 20


def documents(component: str) -> list[dict[str, Any]]:
    folder = K8S / "components" / component
    names = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    return [d for name in names for d in yaml.safe_load_all((folder / name).read_text())]


def scaled(name: str) -> dict[str, Any]:
    (found,) = [d for d in documents("keda") if d["metadata"]["name"] == name]
    spec = found["spec"]
    assert isinstance(spec, dict)
    return spec


class MonitoredNats:
    """A separate NATS server with monitoring as in a cluster."""

    def __init__(self, folder: Path) -> None:
        port, self.monitor = free_ports(2)
        self.settings = QueueSettings(
            nats_url=f"nats://127.0.0.1:{port}", nats_token=SecretStr(TOKEN)
        )
        program = find_program("nats-server")
        assert program is not None
        options = {
            "-a": "127.0.0.1",
            "-p": port,
            "-m": self.monitor,
            "-sd": folder,
            "--auth": TOKEN,
        }
        flat = [str(word) for option in options.items() for word in option]
        self.process = subprocess.Popen([program, "-js", *flat], stderr=subprocess.DEVNULL)

    def lag(self) -> int:
        """Returns the lag as KEDA computes it for the trigger.

        The lag counts waiting and running jobs. Without the consumer, KEDA would take the number of
        the last message ever sent, and scale to the maximum.
        """
        trigger = scaled("gateway-dispatcher")["triggers"][0]["metadata"]
        query = f"acc={trigger['account']}&consumers=true&config=true"
        url = f"http://127.0.0.1:{self.monitor}/jsz?{query}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            accounts = json.load(answer)["account_details"]
        (account,) = [item for item in accounts if item["name"] == trigger["account"]]
        (stream,) = [s for s in account["stream_detail"] if s["name"] == trigger["stream"]]
        for consumer in stream.get("consumer_detail", []):
            if consumer["name"] == trigger["consumer"]:
                return int(consumer["num_pending"] + consumer["num_ack_pending"])
        raise AssertionError("no consumer")


@contextmanager
def monitored_nats(folder: Path) -> Iterator[MonitoredNats]:
    """Runs a server for the block."""
    server = MonitoredNats(folder)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
