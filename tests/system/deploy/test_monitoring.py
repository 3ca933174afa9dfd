"""The dashboard and the alerts query existing metrics; alerts fire when they should."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from poseway.paths import ROOT
from tests.support.deploy.objects import with_components
from tests.support.deploy.promql import asked, expressions, grouped, panels, rules
from tools.tables import metrics

# What the Prometheus library says of every process, and what Prometheus adds to all series.
PROCESS = {
    *("process_start_time_seconds", "process_cpu_seconds_total"),
    "process_resident_memory_bytes",
}
TARGET = {"job", "instance"}
PARTS = {"_bucket": "le", "_sum": "", "_count": ""}
UNITS = {"seconds": "s", "bytes": "bytes"}
PAGE = ROOT / "docs" / "monitoring.md"


def known() -> dict[str, set[str]]:
    """All series that there can be, and their labels."""
    found = {name: set(TARGET) for name in PROCESS}
    for metric in metrics():
        labels = {*metric.labels, *TARGET}
        if metric.kind == "histogram":
            for part, label in PARTS.items():
                found[metric.name + part] = labels | {label} - {""}
        else:
            found[metric.name] = labels
    return found


@pytest.mark.essential
@pytest.mark.parametrize("expression", list(expressions()))
def test_every_queried_metric_exists(expression: str) -> None:
    series = known()
    wanted = list(asked(expression))
    assert wanted
    for one in wanted:
        assert one.name in series, f"there is no {one.name}"
        assert one.labels <= series[one.name], f"{one.name} has no such label: {one.labels}"
    there = set().union(*(series[one.name] for one in wanted))
    assert grouped(expression) <= there


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {
        one.name for panel in panels() for text in expressions_of(panel) for one in asked(text)
    }
    for metric in metrics():
        names = {metric.name, *(metric.name + part for part in PARTS)}
        assert names & shown, f"{metric.name} is on no panel"


def expressions_of(panel: dict[str, Any]) -> list[str]:
    return [target["expr"].replace("$__rate_interval", "1m") for target in panel["targets"]]


def test_legends_use_existing_labels_and_units_match() -> None:
    for panel in panels():
        for target, text in zip(panel["targets"], expressions_of(panel), strict=True):
            left = grouped(text) or {"instance"}
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= left, panel["title"]
            if text.startswith("histogram_quantile"):
                assert "le" in left, panel["title"]
                assert panel["fieldConfig"]["defaults"]["unit"] == "s", panel["title"]
        names = {one.name for text in expressions_of(panel) for one in asked(text)}
        unit = panel["fieldConfig"]["defaults"]["unit"]
        for ending, wanted in UNITS.items():
            if all(name.endswith("_" + ending) for name in names):
                assert unit == wanted, panel["title"]


def test_panels_do_not_overlap() -> None:
    taken = set()
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, panel["title"]
                taken.add((x, y))


def test_grafana_finds_the_dashboard(tmp_path: Path) -> None:
    (board,) = [
        item
        for item in with_components(tmp_path, "monitoring")
        if item["kind"] == "ConfigMap" and "poseway.json" in item.get("data", {})
    ]
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_every_alert_has_a_summary_and_advice() -> None:
    headings = re.findall(r"^### (\w+)$", PAGE.read_text(), re.MULTILINE)
    assert [rule["alert"] for rule in rules()] == headings
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert {"summary", "description", "runbook"} == set(rule["annotations"])
        assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{rule['alert'].lower()}"


# For each alert, series of a minute a value with which it comes, and with which it does not.
ALWAYS = {"poseway_jobs{state='queued'}": "0x60"}
BREAKS = "poseway_client_calls_total{rpc_service='RendererService',code='INTERNAL'}"
WORKS = "poseway_client_calls_total{rpc_service='RendererService',code='OK'}"
FAILED = "poseway_job_seconds_count{state='failed'}"
SUCCEEDED = "poseway_job_seconds_count{state='succeeded'}"
GIVEN_UP = "poseway_jobs_ended_total{state='failed',code='too_many_attempts'}"
STAGE = "poseway_stage_seconds_count{stage='inference'}"
STARTED = "process_start_time_seconds{job='poseway/poseway',instance='a'}"
CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "PosewayGone": ({"up": "1x60"}, ALWAYS),
    "PosewayUnreachable": (
        {**ALWAYS, "poseway_reachable{what='queue'}": "0x60"},
        {**ALWAYS, "poseway_reachable{what='queue'}": "1x20 0x2 1x40"},
    ),
    "PosewayNoProgress": (
        {"poseway_jobs{state='running'}": "1x60", STAGE: "7x60"},
        {"poseway_jobs{state='running'}": "1x60", STAGE: "7+1x60"},
    ),
    "PosewayQueueOld": (
        {**ALWAYS, "poseway_queue_age_seconds": "0+60x60"},
        {**ALWAYS, "poseway_queue_age_seconds": "800x60"},
    ),
    "PosewayJobsFailing": (
        {**ALWAYS, FAILED: "0+1x60", SUCCEEDED: "0+1x60"},
        {**ALWAYS, FAILED: "0+1x60", SUCCEEDED: "0+9x60"},
    ),
    "PosewayJobsGivenUp": (
        {**ALWAYS, GIVEN_UP: "0x30 1x30", SUCCEEDED: "0+9x60"},
        {**ALWAYS, GIVEN_UP: "1x60", SUCCEEDED: "0+9x60"},
    ),
    "PosewayCallsBreak": (
        {**ALWAYS, BREAKS: "0+2x60", WORKS: "0+8x60"},
        {**ALWAYS, BREAKS.replace("INTERNAL", "CANCELLED"): "0+2x60", WORKS: "0+8x60"},
    ),
    "PosewayApiErrors": (
        {
            **ALWAYS,
            "poseway_http_requests_total{status='503'}": "0+1x60",
            "poseway_http_requests_total{status='200'}": "0+9x60",
        },
        {
            **ALWAYS,
            "poseway_http_requests_total{status='404'}": "0+1x60",
            "poseway_http_requests_total{status='200'}": "0+9x60",
        },
    ),
    "PosewayRestarting": (
        {**ALWAYS, STARTED: "100x30 200x5 300x5 400x20"},
        {**ALWAYS, STARTED: "100x30 200x40"},
    ),
    "PosewayWebhooksFailing": (
        {
            **ALWAYS,
            "poseway_webhooks_total{result='failed'}": "0+1x60",
            "poseway_webhooks_total{result='delivered'}": "0x60",
        },
        {
            **ALWAYS,
            "poseway_webhooks_total{result='failed'}": "0+1x60",
            "poseway_webhooks_total{result='delivered'}": "0+1x60",
        },
    ),
}


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    if shutil.which("promtool") is None:
        pytest.skip("there is no promtool; Debian has it in prometheus")
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "poseway", "rules": rules()}]}))
    return path


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["promtool", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.essential
def test_prometheus_accepts_the_alert_rules(rule_file: Path) -> None:
    promtool("check", "rules", rule_file)


def test_every_alert_has_a_case() -> None:
    assert set(CASES) == {rule["alert"] for rule in rules()}


@pytest.mark.parametrize("alert", CASES)
@pytest.mark.parametrize("fires", [True, False], ids=["fires", "is quiet"])
def test_an_alert_fires_only_in_its_case(
    alert: str, fires: bool, rule_file: Path, tmp_path: Path
) -> None:
    series = CASES[alert][not fires]
    names = f"ALERTS{{alertname='{alert}',alertstate='firing'}}"
    case = {
        "interval": "1m",
        "input_series": [
            {"series": name.replace("'", '"'), "values": values} for name, values in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": f"count({names}) or vector(0)".replace("'", '"'),
                "eval_time": "50m",
                "exp_samples": [{"labels": "{}", "value": int(fires)}],
            }
        ],
    }
    test = {"rule_files": [str(rule_file)], "evaluation_interval": "1m", "tests": [case]}
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    promtool("test", "rules", path)
