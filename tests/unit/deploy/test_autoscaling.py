"""The autoscalers ask the right thing, and get the right answer."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudcoil.models.keda.v1alpha1 as keda
import pytest
import yaml

from poseway.messaging.job_queue import CONSUMER, STREAM, JobQueue
from tests.support.deploy.autoscaling import (
    K8S,
    MonitoredNats,
    documents,
    monitored_nats,
    scaled,
)

JOB = "0" * 32


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[MonitoredNats]:
    with monitored_nats(tmp_path) as server:
        yield server


def test_the_lag_is_what_waits_or_is_worked_on(nats: MonitoredNats) -> None:
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
