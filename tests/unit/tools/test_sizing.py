"""Sizes of clusters: the arithmetic, and the measurements behind them."""

from pathlib import Path

import pytest
import yaml

from tools import sizing

BASE = Path(__file__).resolve().parents[3] / "deploy" / "k8s" / "base"

KNOWN = sizing.Measured(
    cpu_ms={
        "api": 1.0,
        "dispatcher": 10.0,
        "inference": 70.0,
        "tracker": 1.0,
        "renderer": 14.0,
        "object-storage": 2.0,
        "queue": 1.0,
    },
    megabytes=dict.fromkeys(sizing.CORES, 100.0),
    minute={"upload": 20.0, "result": 10.0, "most": 30.0, "carried": 1000.0},
    idle={"api": {"cpu_ms_per_second": 1.0, "megabytes": 100.0}},
)


def test_cores_equal_the_work_per_second_in_the_busiest_hour() -> None:
    assert (
        sizing.frames_per_second(8) == 30
    )  # a third of a stream on average, times the burst of three
    assert sizing.cores(8, 70.0) == pytest.approx(3.0)
    assert sizing.replicas(8, "inference", KNOWN) == 2
    assert sizing.replicas(78, "inference", KNOWN) == 15
    assert sizing.replicas(1, "tracker", KNOWN) == 1


def test_bytes_are_proportional_to_hours() -> None:
    one, ten = sizing.by_bytes(KNOWN)[:2]
    assert one[:4] == ["1", "1.2", "0.60", "18"]
    assert ten[:4] == ["10", "12", "6.0", "180"]


def test_measurements_are_found_in_the_documentation() -> None:
    known = sizing.measured()
    assert set(known.cpu_ms) == {*sizing.CORES, "object-storage", "queue"}
    assert set(sizing.CORES) <= set(known.megabytes)
    assert known.cpu_ms["inference"] > known.cpu_ms["renderer"] > known.cpu_ms["api"] > 0
    for rows in (sizing.by_service(known), sizing.by_bytes(known)):
        assert [row[0] for row in rows] == ["1", "10", "100", "1,000", "10,000"]


def test_pods_may_use_the_planned_cores() -> None:
    for service, cores in sizing.CORES.items():
        name = f"gateway-{service}" if service in ("api", "dispatcher") else service
        documents = yaml.safe_load_all((BASE / f"{name}.yaml").read_text())
        pods = [item for item in documents if item["kind"] == "Deployment"]
        resources = pods[0]["spec"]["template"]["spec"]["containers"][0]["resources"]
        assert float(resources.get("limits", {}).get("cpu", cores)) >= cores
