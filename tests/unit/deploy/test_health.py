"""Pods are asked how they are, get time to end, and are moved one at a time."""

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
# Between the last work and the last breath: logs, connections, the interpreter.
MARGIN_SECONDS: Final = 10


def lasting(objects: list[Object]) -> list[Object]:
    return [item for item in workloads(objects) if item["kind"] != "Job"]


def test_every_pod_that_lasts_has_all_probes_and_they_ask_an_open_port(
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


def test_services_with_grpc_are_asked_in_grpc(objects: list[Object]) -> None:
    for name in ("inference", "tracker", "renderer"):
        (container,) = template(named(objects, "Deployment", name))["spec"]["containers"]
        assert all("grpc" in container[probe] for probe in PROBES)


def test_liveness_is_more_patient_than_readiness(objects: list[Object]) -> None:
    def patience(probe: Object) -> int:
        period, failures = probe.get("periodSeconds", 10), probe.get("failureThreshold", 3)
        return int(period * failures)

    for item in lasting(objects):
        (container,) = template(item)["spec"]["containers"]
        ready, live = container["readinessProbe"], container["livenessProbe"]
        assert patience(live) > patience(ready), called(item)


def grace(item: Object) -> float:
    """Seconds that a service takes to end, as it is set."""
    (container,) = template(item)["spec"]["containers"]
    given = {v["name"]: v.get("value") for v in container.get("env", ())}
    settings = SETTINGS[component(item)]
    default: Any = settings.model_fields["grace_seconds"].default
    return float(given.get("POSEWAY_GRACE_SECONDS") or default)


def pause(item: Object) -> int:
    """Seconds before it is told to end."""
    (container,) = template(item)["spec"]["containers"]
    hook: Object = container.get("lifecycle", {}).get("preStop", {})
    return int(hook.get("sleep", {}).get("seconds", 0))


def test_work_in_flight_is_never_cut(objects: list[Object]) -> None:
    for name, settings in SETTINGS.items():
        if "grace_seconds" not in settings.model_fields:
            continue
        item = named(objects, "Deployment", name)
        given = template(item)["spec"]["terminationGracePeriodSeconds"]
        assert given >= pause(item) + grace(item) + MARGIN_SECONDS, name


def test_calls_have_the_time_that_their_caller_gives_them(objects: list[Object]) -> None:
    calls = DispatcherSettings.model_fields
    for name in ("inference", "tracker"):
        assert grace(named(objects, "Deployment", name)) >= calls["call_seconds"].default
    renderer = grace(named(objects, "Deployment", "renderer"))
    assert renderer >= calls["render_seconds"].default
    assert renderer >= calls["join_seconds"].default


def test_a_budget_lets_one_pod_go_whatever_there_are(objects: list[Object]) -> None:
    budgets = of_kind(objects, "PodDisruptionBudget")
    for budget in budgets:
        # With minAvailable, a drain would wait for ever for the last one.
        assert budget["spec"]["maxUnavailable"] == 1
        assert "minAvailable" not in budget["spec"]
    for item in of_kind(objects, "Deployment"):
        labels = template(item)["metadata"]["labels"]
        found = [b for b in budgets if selects(b["spec"]["selector"], labels)]
        assert [b["metadata"]["name"] for b in found] == [component(item)]
    there = [template(item)["metadata"]["labels"] for item in lasting(objects)]
    for budget in budgets:
        assert any(selects(budget["spec"]["selector"], labels) for labels in there)


def test_pods_are_spread_and_started_all_the_same(objects: list[Object]) -> None:
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


def test_the_api_goes_before_others_and_never_has_fewer_pods(objects: list[Object]) -> None:
    api = named(objects, "Deployment", "gateway-api")
    assert api["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    with_priority = [i for i in workloads(objects) if "priorityClassName" in template(i)["spec"]]
    assert with_priority == [api]
    assert named(objects, "PriorityClass", "poseway-api")["globalDefault"] is False


def test_limits_are_not_less_than_requests(objects: list[Object]) -> None:
    for item in workloads(objects):
        for container in containers(template(item)["spec"]):
            resources = container["resources"]
            for name, limit in resources["limits"].items():
                asked = resources["requests"].get(name, limit)
                assert amount(asked) <= amount(limit), f"{called(item)}: {name}"


UNITS: Final = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def amount(text: str) -> float:
    """A quantity of Kubernetes as a number."""
    for unit, size in UNITS.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * size
    return float(text)


def test_a_laptop_has_room_for_the_local_overlay() -> None:
    asked = [
        container["resources"]["requests"]
        for item in lasting(overlay("local"))
        for container in containers(template(item)["spec"])
    ]
    cores = sum(amount(request["cpu"]) for request in asked)
    memory = sum(amount(request["memory"]) for request in asked)
    # Also for what it runs beside: what a cluster of one node needs itself.
    assert cores <= 1.5
    assert memory <= 3 * 2**30
    said = f"{cores:.1f} cores and {memory / 2**30:.1f} GiB"
    assert said in (K8S / "README.md").read_text().replace("\n", " "), said
