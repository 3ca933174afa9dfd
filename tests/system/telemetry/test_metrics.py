"""The metrics of a real system are those that the documentation lists."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from poseway.client import Client
from poseway.local.ports import free_ports
from tests.support.deploy.promql import expressions
from tests.support.waiting import first_answer, until
from tests.system.telemetry.watched import SERVICES, WatchedStack
from tools.tables import metrics

# Metrics of the client library itself.
FOREIGN = ("python_", "process_")
# These only count errors, or actions that no test here performs.
SILENT = {"poseway_http_problems_total"}


def families(watched: WatchedStack, service: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Kind and labels of all metrics of a service, by their names in the table."""
    found = {}
    for family in text_string_to_metric_families(watched.scraped(service)):
        if family.name.startswith(FOREIGN):
            continue
        name = family.name + "_total" * (family.type == "counter")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = (family.type, frozenset(labels))
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_table_lists_exactly_the_exported_metrics(
    service: str, watched: WatchedStack, done: str
) -> None:
    assert done
    listed = {
        metric.name: (metric.kind, frozenset(metric.labels))
        for metric in metrics()
        if service in metric.services.split(", ")
    }
    found = families(watched, service)
    assert set(found) == set(listed)
    for name, about in found.items():
        # A metric without samples has no labels.
        if name not in SILENT:
            assert about == listed[name], name


def test_no_series_belongs_to_a_single_job(watched: WatchedStack, done: str) -> None:
    for service in SERVICES:
        for sample in watched.samples(service):
            assert done not in str(sample.labels), sample


def test_a_job_is_counted(watched: WatchedStack, short: Path, done: str) -> None:
    assert done
    before = {name: count(watched, name) for name in ("found", "ended", "accepted")}
    with Client(watched.gateway_url) as client:
        assert client.wait(client.submit(short).id).state == "succeeded"
    # The status is published before the metric is incremented.
    until(lambda: count(watched, "ended") == before["ended"] + 1)
    assert count(watched, "found") == before["found"] + 75
    assert count(watched, "accepted") == before["accepted"] + 1
    stages = ("decode", "inference", "tracking", "rendering", "joining", "publishing")
    for stage in stages:
        assert watched.value("dispatcher", "poseway_stage_seconds_sum", stage=stage) > 0, stage
    until(lambda: watched.value("dispatcher", "poseway_jobs_in_hand") == 0)
    for service, name in (("inference", "EstimatePoses"), ("renderer", "JoinSegments")):
        assert watched.value(service, "poseway_server_calls_total", rpc_method=name, code="OK")
        in_flight = "poseway_server_calls_in_flight"
        assert watched.value(service, in_flight, rpc_method=name) == 0


def count(watched: WatchedStack, what: str) -> float:
    match what:
        case "found":
            return watched.value("dispatcher", "poseway_frames_found_total")
        case "ended":
            return watched.value("dispatcher", "poseway_jobs_ended_total", state="succeeded")
    return watched.value("api", "poseway_jobs_accepted_total")


def test_requests_and_errors_are_counted_by_route(watched: WatchedStack) -> None:
    url = f"{watched.gateway_url}/v1/jobs/{'0' * 32}"
    route = {"method": "GET", "route": "/v1/jobs/{job_id}", "status": "404"}
    before = watched.value("api", "poseway_http_requests_total", **route)
    problems = watched.value("api", "poseway_http_problems_total", code="job_not_found")
    assert httpx.get(url, trust_env=False).status_code == 404
    assert watched.value("api", "poseway_http_requests_total", **route) == before + 1
    after = watched.value("api", "poseway_http_problems_total", code="job_not_found")
    assert after == problems + 1


def test_reachability_is_exported(watched: WatchedStack) -> None:
    def reached(what: str) -> bool:
        return watched.value("api", "poseway_reachable", what=what) == 1

    until(lambda: reached("queue") and reached("storage"))


@pytest.fixture(scope="module")
def prometheus(
    watched: WatchedStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A real Prometheus that scrapes the system every second."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("there is no prometheus; Debian has it")
    folder = tmp_path_factory.mktemp("prometheus")
    targets = [url.removeprefix("http://") for url in watched.metrics.values()]
    scrape = {"job_name": "poseway", "static_configs": [{"targets": targets}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_ports(1)[0]}"
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": address,
    }
    command = [program, *(f"--{name}={value}" for name, value in options.items())]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=30) as http:
            yield http
    finally:
        process.terminate()
        process.wait()


def asks(prometheus: httpx.Client, expression: str) -> list[Any]:
    answer = prometheus.get("/api/v1/query", params={"query": expression})
    assert answer.status_code == 200, f"{expression}: {answer.text}"
    found: list[Any] = answer.json()["data"]["result"]
    return found


def test_every_panel_has_data_after_some_work(
    prometheus: httpx.Client, watched: WatchedStack, short: Path, done: str
) -> None:
    assert done
    until(lambda: first_answer(lambda: prometheus.get("/-/ready")).status_code == 200)
    until(lambda: len(asks(prometheus, "up == 1")) == len(SERVICES))
    # Cause an error, so that its series exists before the rate is queried.
    for _ in range(2):
        httpx.get(f"{watched.gateway_url}/v1/jobs/{'0' * 32}", trust_env=False)
        time.sleep(2)
    with Client(watched.gateway_url) as client:
        assert client.wait(client.submit(short).id).state == "succeeded"
    wanted = [text for text in expressions("5m") if " > " not in text and " == " not in text]
    assert len(wanted) > 40
    empty = [text for text in wanted if not text.startswith("absent")]

    def all_have_values() -> bool:
        empty[:] = [text for text in empty if not asks(prometheus, text)]
        return not empty

    with suppress(AssertionError):  # the next line names the missing panels
        until(all_have_values, pause=1)
    assert not empty
    assert not asks(prometheus, "absent(poseway_jobs)")
