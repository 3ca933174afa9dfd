"""Autoscalers query the right metric and compute the right number of replicas."""

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


def test_lag_counts_waiting_and_running_jobs(nats: MonitoredNats) -> None:
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
        # A job that was handed back still counts, even if it is delayed.
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
def test_triggers_name_existing_streams_and_consumers(document: dict[str, Any]) -> None:
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
    """Returns the number of replicas for a number of jobs."""
    spec = scaled(name)
    target = int(spec["triggers"][0]["metadata"]["lagThreshold"])
    formula = spec["advanced"].get("scalingModifiers", {}).get("formula", "jobs * 1")
    wanted = -(-jobs * int(formula.split("*")[1]) // target)
    return int(min(wanted, spec["maxReplicaCount"]))


def test_replicas_grow_with_jobs_up_to_a_limit() -> None:
    assert [replicas(name, 0) for name in SCALED] == [0, 0, 0, 0]
    assert [replicas(name, 1) for name in SCALED] == [1, 4, 1, 2]
    assert [replicas(name, 1000) for name in SCALED] == [10, 32, 4, 16]


SCALED = ("gateway-dispatcher", "inference", "tracker", "renderer")
DEPLOYMENTS = (*SCALED, "gateway-api")


@pytest.mark.parametrize("component", ["keda", "hpa"])
def test_scaled_workloads_set_no_replicas(component: str) -> None:
    """Applying the manifests again must not reset the number of replicas."""
    folder = K8S / "components" / component
    (patch,) = yaml.safe_load((folder / "kustomization.yaml").read_text())["patches"]
    targets = {d["spec"]["scaleTargetRef"]["name"] for d in documents(component)}
    assert set(patch["target"]["name"].split("|")) == targets <= set(DEPLOYMENTS)
    assert yaml.safe_load(patch["patch"]) == [{"op": "remove", "path": "/spec/replicas"}]
