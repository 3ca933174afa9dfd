"""The autoscalers ask the right thing, and get the right answer."""

import asyncio
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudcoil.models.keda.v1alpha1 as keda
import pytest
import yaml
from pydantic import SecretStr

from poseway.local.data_dir import find_program, free_ports
from poseway.local.stack import Stack
from poseway.messaging.job_queue import CONSUMER, STREAM, JobQueue
from poseway.settings import QueueSettings
from tests.support.gateways import gateway
from tests.support.waiting import until

K8S = Path(__file__).resolve().parents[3] / "deploy" / "k8s"
TOKEN = "nats_" + "0e1" * 20
JOB = "0" * 32


class Nats:
    """A server of its own, monitored as in a cluster."""

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
        """What KEDA takes for the lag of the trigger.

        That is all that waits or is being worked on. Without the consumer it would be the number
        of the last message there ever was, and scale to the maximum.
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


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    server = Nats(tmp_path)
    yield server
    server.process.kill()
    server.process.wait()


def documents(component: str) -> list[dict[str, Any]]:
    folder = K8S / "components" / component
    names = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    return [d for name in names for d in yaml.safe_load_all((folder / name).read_text())]


def scaled(name: str) -> dict[str, Any]:
    (found,) = [d for d in documents("keda") if d["metadata"]["name"] == name]
    spec = found["spec"]
    assert isinstance(spec, dict)
    return spec


def test_the_lag_is_what_waits_or_is_worked_on(nats: Nats) -> None:
    async def run() -> list[int]:
        lags = []
        queue = await JobQueue.connect(nats.settings)
        stopping = asyncio.Event()
        lags.append(nats.lag())
        await queue.publish(JOB)
        await queue.publish("1" * 32)
        lags.append(nats.lag())
        deliveries = queue.deliveries(stopping)
        first = await anext(deliveries)
        lags.append(nats.lag())
        # Handed back, for later too, it is still to be done.
        await first.hand_back(delay=1)
        lags.append(nats.lag())
        for _ in range(2):
            await (await anext(deliveries)).done()
            lags.append(nats.lag())
        await deliveries.aclose()  # type: ignore[attr-defined] # it is a generator
        await queue.close()
        return lags

    assert asyncio.run(asyncio.wait_for(run(), 60)) == [0, 2, 2, 2, 1, 0]


def test_the_consumer_is_there_before_any_dispatcher(stack: Stack, nats: Nats) -> None:
    """KEDA would start as many dispatchers as it may if there were jobs and no consumer."""

    def consumer_is_there() -> bool:
        try:
            return nats.lag() == 0
        except (ValueError, KeyError, AssertionError):
            return False

    url, token = nats.settings.nats_url, TOKEN
    with gateway(stack, {"POSEWAY_NATS_URL": url, "POSEWAY_NATS_TOKEN": token}):
        until(consumer_is_there)


@pytest.mark.parametrize("document", documents("keda"), ids=lambda d: d["metadata"]["name"])
def test_the_triggers_name_what_there_is(document: dict[str, Any]) -> None:
    keda.ScaledObject.model_validate(document)
    spec = document["spec"]
    (trigger,) = spec["triggers"]
    assert trigger["type"] == "nats-jetstream"
    assert trigger["metadata"]["stream"] == STREAM
    assert trigger["metadata"]["consumer"] == CONSUMER
    assert spec["scaleTargetRef"]["name"] in DEPLOYMENTS
    assert spec["minReplicaCount"] == 0 < spec["maxReplicaCount"]
    modifiers = spec["advanced"].get("scalingModifiers")
    if modifiers:
        assert modifiers["formula"].split()[0] == trigger["name"]
        assert int(modifiers["target"]) == int(trigger["metadata"]["lagThreshold"]) == 1


def replicas(name: str, jobs: int) -> int:
    """How many replicas so many jobs are to have."""
    spec = scaled(name)
    target = int(spec["triggers"][0]["metadata"]["lagThreshold"])
    formula = spec["advanced"].get("scalingModifiers", {}).get("formula", "jobs * 1")
    wanted = -(-jobs * int(formula.split("*")[1]) // target)
    return int(min(wanted, spec["maxReplicaCount"]))


def test_one_job_has_several_replicas_of_what_is_slow_and_many_jobs_do_not_run_out_of_bounds() -> (
    None
):
    assert [replicas(name, 0) for name in SCALED] == [0, 0, 0, 0]
    assert [replicas(name, 1) for name in SCALED] == [1, 4, 1, 2]
    assert [replicas(name, 1000) for name in SCALED] == [10, 32, 4, 16]


SCALED = ("gateway-dispatcher", "inference", "tracker", "renderer")
DEPLOYMENTS = (*SCALED, "gateway-api")


@pytest.mark.parametrize("component", ["keda", "hpa"])
def test_who_is_scaled_has_no_number_in_the_manifests(component: str) -> None:
    """Applied again, the manifests would set it back."""
    folder = K8S / "components" / component
    (patch,) = yaml.safe_load((folder / "kustomization.yaml").read_text())["patches"]
    targets = {d["spec"]["scaleTargetRef"]["name"] for d in documents(component)}
    assert set(patch["target"]["name"].split("|")) == targets <= set(DEPLOYMENTS)
    assert yaml.safe_load(patch["patch"]) == [{"op": "remove", "path": "/spec/replicas"}]
