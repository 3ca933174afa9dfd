"""All references between objects resolve: secrets, settings, services, ports, accounts."""

import re
from collections.abc import Iterator

import pytest

from deploy.setup.secrets import MADE
from tests.support.deploy.objects import (
    K8S,
    Object,
    called,
    component,
    containers,
    named,
    of_kind,
    open_ports,
    selects,
    template,
    workloads,
)

ROOT = K8S.parents[1]


def uses(item: Object, kind: str) -> Iterator[str]:
    """Yields the names of Secrets or ConfigMaps (`kind`) that a workload needs."""
    pod = template(item)["spec"]
    for container in containers(pod):
        for source in container.get("envFrom", ()):
            ref = source.get(f"{kind}Ref", {"optional": True})
            if not ref.get("optional"):
                yield ref["name"]
        for variable in container.get("env", ()):
            if ref := variable.get("valueFrom", {}).get(f"{kind}KeyRef"):
                yield ref["name"]
    for volume in pod.get("volumes", ()):
        for source in (volume, *volume.get("projected", {}).get("sources", ())):
            if ref := source.get(kind):
                yield ref.get("secretName") or ref["name"]


def ingress_secrets(objects: list[Object]) -> set[str]:
    return {tls["secretName"] for i in of_kind(objects, "Ingress") for tls in i["spec"]["tls"]}


def made_up(objects: list[Object]) -> list[str]:
    """Returns the secrets that the set-up job creates."""
    (container,) = template(named(objects, "Job", "setup-secrets"))["spec"]["containers"]
    names: list[str] = container["args"][2:]
    return names


def test_required_secrets_are_generated_or_documented(
    objects: list[Object], request: pytest.FixtureRequest
) -> None:
    made = made_up(objects)
    assert set(made) <= set(MADE)
    asked = set()
    if request.node.callspec.params["objects"] == "production":
        text = (K8S / "README.md").read_text()
        asked = set(re.findall(r"create secret (?:generic|tls) ([a-z-]+)", text))
    for item in workloads(objects):
        for name in uses(item, "secret"):
            assert (name in made) is not (name in asked), f"{called(item)} needs {name}"
    assert ingress_secrets(objects) <= asked


def variables(item: Object) -> Iterator[Object]:
    for container in containers(template(item)["spec"]):
        yield from container.get("env", ())


def test_config_maps_exist_and_restart_pods_on_change(objects: list[Object]) -> None:
    there = {item["metadata"]["name"] for item in of_kind(objects, "ConfigMap")}
    for item in workloads(objects):
        for name in uses(item, "configMap"):
            assert name in there, f"{called(item)} needs {name}"
            assert re.fullmatch(r".+-[a-z0-9]{10}", name), f"{name} has no hash of its contents"


def test_accounts_priorities_and_roles_exist(objects: list[Object]) -> None:
    def has(kind: str, name: str) -> None:
        assert named(objects, kind, name)

    for item in workloads(objects):
        pod = template(item)["spec"]
        if "serviceAccountName" in pod:
            has("ServiceAccount", pod["serviceAccountName"])
        if "priorityClassName" in pod:
            has("PriorityClass", pod["priorityClassName"])
    for binding in of_kind(objects, "RoleBinding"):
        has(binding["roleRef"]["kind"], binding["roleRef"]["name"])
        for subject in binding["subjects"]:
            assert subject["namespace"] == "poseway"
            has(subject["kind"], subject["name"])


def test_mounted_volumes_exist(objects: list[Object]) -> None:
    for item in workloads(objects):
        pod = template(item)["spec"]
        there = {volume["name"] for volume in pod.get("volumes", ())}
        there |= {
            claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", ())
        }
        mounted = {m["name"] for c in containers(pod) for m in c.get("volumeMounts", ())}
        assert mounted == there, called(item)


def test_workloads_select_only_their_own_pods(objects: list[Object]) -> None:
    lasting = [item for item in workloads(objects) if item["kind"] != "Job"]
    for item in lasting:
        found = [
            other
            for other in workloads(objects)
            if selects(item["spec"]["selector"], template(other)["metadata"]["labels"])
        ]
        assert found == [item], called(item)


def test_services_select_pods_with_an_open_port(objects: list[Object]) -> None:
    for service in of_kind(objects, "Service"):
        (found,) = [
            item
            for item in workloads(objects)
            if selects(
                {"matchLabels": service["spec"]["selector"]}, template(item)["metadata"]["labels"]
            )
        ]
        assert component(found) == service["metadata"]["name"]
        (container,) = template(found)["spec"]["containers"]
        there = open_ports(container)
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in there
            # A headless Service does not translate ports.
            if service["spec"].get("clusterIP") == "None":
                assert port["port"] == there[port["targetPort"]]


def test_stateful_sets_have_their_service(objects: list[Object]) -> None:
    for item in of_kind(objects, "StatefulSet"):
        assert named(objects, "Service", item["spec"]["serviceName"])


def test_addresses_in_settings_are_services(objects: list[Object]) -> None:
    offered = {
        f"{service['metadata']['name']}:{port['port']}"
        for service in of_kind(objects, "Service")
        for port in service["spec"]["ports"]
    }
    said = [v for i in workloads(objects) for v in variables(i) if v["name"].endswith("_ADDRESS")]
    assert {v["name"] for v in said} == {
        f"POSEWAY_{part}_ADDRESS" for part in ("INFERENCE", "TRACKER", "RENDERER")
    }
    for variable in said:
        assert variable["value"] in offered
        part = variable["name"].removeprefix("POSEWAY_").removesuffix("_ADDRESS").lower()
        assert variable["value"].partition(":")[0] == part
    for settings in of_kind(objects, "ConfigMap"):
        for name, value in settings.get("data", {}).items():
            if name == "POSEWAY_NATS_URL" or value.startswith("http://"):
                assert value.partition("://")[2] in offered, name


def test_scaled_workloads_exist_and_set_no_replicas(objects: list[Object]) -> None:
    for scaler in of_kind(objects, "ScaledObject", "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        scaled = named(objects, target.get("kind", "Deployment"), target["name"])
        # Otherwise each apply would reset the number and stop busy pods.
        assert "replicas" not in scaled["spec"], called(scaled)
