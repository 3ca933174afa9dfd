"""Pods have probes and time to stop, and are evicted one at a time."""

from typing import Any, Final

from pydantic_settings import BaseSettings

from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.dispatcher.settings import DispatcherSettings
from poseway_inference.settings import InferenceSettings
from poseway_renderer.settings import RendererSettings
from poseway_tracker.settings import TrackerSettings
from tests.support.deploy.objects import (
    K8S,
    Object,
    called,
    component,
    containers,
    named,
    of_kind,
    open_ports,
    overlay,
    selects,
    template,
    workloads,
)

SETTINGS: Final[dict[str, type[BaseSettings]]] = {
    "gateway-api": ApiSettings,
    "gateway-dispatcher": DispatcherSettings,
    "inference": InferenceSettings,
    "tracker": TrackerSettings,
    "renderer": RendererSettings,
}
PROBES: Final = ("startupProbe", "readinessProbe", "livenessProbe")
# Time to flush logs, close connections and exit after the last work.
MARGIN_SECONDS: Final = 10


def lasting(objects: list[Object]) -> list[Object]:
    return [item for item in workloads(objects) if item["kind"] != "Job"]


def test_long_running_pods_have_all_probes_on_open_ports(
    objects: list[Object],
) -> None:
    for item in lasting(objects):
        (container,) = template(item)["spec"]["containers"]
        ports = open_ports(container)
        for name in PROBES:
            probe = container[name]
            if "grpc" in probe:
                assert probe["grpc"]["port"] == ports["grpc"], called(item)
            else:
                assert probe["httpGet"]["port"] in ports, called(item)


def test_grpc_services_are_probed_by_grpc(objects: list[Object]) -> None:
    for name in ("inference", "tracker", "renderer"):
        (container,) = template(named(objects, "Deployment", name))["spec"]["containers"]
        assert all("grpc" in container[probe] for probe in PROBES)


def test_liveness_tolerates_more_failures_than_readiness(objects: list[Object]) -> None:
    def patience(probe: Object) -> int:
        period, failures = probe.get("periodSeconds", 10), probe.get("failureThreshold", 3)
        return int(period * failures)

    for item in lasting(objects):
        (container,) = template(item)["spec"]["containers"]
        ready, live = container["readinessProbe"], container["livenessProbe"]
        assert patience(live) > patience(ready), called(item)


def grace(item: Object) -> float:
    """Returns the configured seconds that a service takes to stop."""
    (container,) = template(item)["spec"]["containers"]
    given = {v["name"]: v.get("value") for v in container.get("env", ())}
    settings = SETTINGS[component(item)]
    default: Any = settings.model_fields["grace_seconds"].default
    return float(given.get("POSEWAY_GRACE_SECONDS") or default)


def pause(item: Object) -> int:
    """Returns the seconds between the start of termination and SIGTERM."""
    (container,) = template(item)["spec"]["containers"]
    hook: Object = container.get("lifecycle", {}).get("preStop", {})
    return int(hook.get("sleep", {}).get("seconds", 0))


def test_grace_period_covers_work_in_progress(objects: list[Object]) -> None:
    for name, settings in SETTINGS.items():
        if "grace_seconds" not in settings.model_fields:
            continue
        item = named(objects, "Deployment", name)
        given = template(item)["spec"]["terminationGracePeriodSeconds"]
        assert given >= pause(item) + grace(item) + MARGIN_SECONDS, name


def test_grace_period_covers_the_deadline_of_calls(objects: list[Object]) -> None:
    calls = DispatcherSettings.model_fields
    for name in ("inference", "tracker"):
        assert grace(named(objects, "Deployment", name)) >= calls["call_seconds"].default
    renderer = grace(named(objects, "Deployment", "renderer"))
    assert renderer >= calls["render_seconds"].default
    assert renderer >= calls["join_seconds"].default


def test_disruption_budget_always_allows_one_eviction(objects: list[Object]) -> None:
    budgets = of_kind(objects, "PodDisruptionBudget")
    for budget in budgets:
        # With minAvailable, a drain would wait forever for the last pod.
        assert budget["spec"]["maxUnavailable"] == 1
        assert "minAvailable" not in budget["spec"]
    for item in of_kind(objects, "Deployment"):
        labels = template(item)["metadata"]["labels"]
        found = [b for b in budgets if selects(b["spec"]["selector"], labels)]
        assert [b["metadata"]["name"] for b in found] == [component(item)]
    there = [template(item)["metadata"]["labels"] for item in lasting(objects)]
    for budget in budgets:
        assert any(selects(budget["spec"]["selector"], labels) for labels in there)


def test_pods_are_spread_if_possible(objects: list[Object]) -> None:
    for item in of_kind(objects, "Deployment"):
        labels = template(item)["metadata"]["labels"]
        spread = template(item)["spec"]["topologySpreadConstraints"]
        assert {rule["topologyKey"] for rule in spread} == {
            "kubernetes.io/hostname",
            "topology.kubernetes.io/zone",
        }
        for rule in spread:
            assert rule["whenUnsatisfiable"] == "ScheduleAnyway"
            assert selects(rule["labelSelector"], labels)


def test_api_has_priority_and_keeps_its_pods_during_rollouts(objects: list[Object]) -> None:
    api = named(objects, "Deployment", "gateway-api")
    assert api["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    with_priority = [i for i in workloads(objects) if "priorityClassName" in template(i)["spec"]]
    assert with_priority == [api]
    assert named(objects, "PriorityClass", "poseway-api")["globalDefault"] is False


def test_limits_cover_requests(objects: list[Object]) -> None:
    for item in workloads(objects):
        for container in containers(template(item)["spec"]):
            resources = container["resources"]
            for name, limit in resources["limits"].items():
                asked = resources["requests"].get(name, limit)
                assert amount(asked) <= amount(limit), f"{called(item)}: {name}"


UNITS: Final = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def amount(text: str) -> float:
    """Parses a Kubernetes quantity."""
    for unit, size in UNITS.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * size
    return float(text)


def test_local_overlay_fits_a_laptop() -> None:
    asked = [
        container["resources"]["requests"]
        for item in lasting(overlay("local"))
        for container in containers(template(item)["spec"])
    ]
    cores = sum(amount(request["cpu"]) for request in asked)
    memory = sum(amount(request["memory"]) for request in asked)
    # Leaves room for what a cluster of one node itself needs.
    assert cores <= 1.5
    assert memory <= 3 * 2**30
    said = f"{cores:.1f} cores and {memory / 2**30:.1f} GiB"
    assert said in (K8S / "README.md").read_text().replace("\n", " "), said
