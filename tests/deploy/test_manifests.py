"""The manifests say what the services understand."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.model
import botocore.validate
import pytest
import yaml
from pydantic_settings import BaseSettings

from poseway.apikeys import keys_needed
from poseway.jobs import Keys
from services.gateway.api.settings import ApiSettings
from services.gateway.dispatcher.settings import DispatcherSettings
from services.inference.settings import InferenceSettings
from services.renderer.settings import RendererSettings
from services.tracker.settings import TrackerSettings

BASE = Path(__file__).resolve().parents[2] / "deploy" / "k8s" / "base"
SETTINGS: dict[str, type[BaseSettings]] = {
    "services.gateway.api": ApiSettings,
    "services.gateway.dispatcher": DispatcherSettings,
    "services.inference": InferenceSettings,
    "services.renderer": RendererSettings,
    "services.tracker": TrackerSettings,
}


def documents() -> Iterator[dict[str, Any]]:
    for name in yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]:
        yield from yaml.safe_load_all((BASE / name).read_text())


def deployments() -> list[dict[str, Any]]:
    return [document for document in documents() if document["kind"] == "Deployment"]


def container_of(deployment: dict[str, Any]) -> dict[str, Any]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def given(container: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container["env"]}


def open_ports(container: dict[str, Any]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container["ports"]}


def services() -> list[dict[str, Any]]:
    return [document for document in documents() if document["kind"] == "Service"]


def test_every_file_is_used() -> None:
    used = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    assert sorted(used) == sorted(p.name for p in BASE.glob("*.yaml") if "kustom" not in p.name)


@pytest.mark.parametrize("deployment", deployments(), ids=lambda d: d["metadata"]["name"])
def test_deployments_start_what_exists_with_settings_that_exist(deployment: dict[str, Any]) -> None:
    container = container_of(deployment)
    assert container["args"][0] == "-m"
    settings = SETTINGS[container["args"][1]]
    names = set(given(container))
    used = {s["configMapRef"]["name"] for s in container.get("envFrom", []) if "configMapRef" in s}
    for document in documents():
        if document["kind"] == "ConfigMap" and document["metadata"]["name"] in used:
            names |= set(document["data"])
    known = {f"POSEWAY_{name.upper()}" for name in settings.model_fields}
    assert {name for name in names if name.startswith("POSEWAY_")} <= known


@pytest.mark.parametrize("deployment", deployments(), ids=lambda d: d["metadata"]["name"])
def test_containers_are_locked_down(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("deployment", deployments(), ids=lambda d: d["metadata"]["name"])
def test_containers_open_the_ports_on_which_they_listen(deployment: dict[str, Any]) -> None:
    container = container_of(deployment)
    names = {"POSEWAY_METRICS_PORT": "metrics"}
    names["POSEWAY_PORT"] = "http" if container["args"][1] == "services.gateway.api" else "grpc"
    listened = {names[name]: int(v) for name, v in given(container).items() if name in names}
    assert listened == open_ports(container)
    if "POSEWAY_PORT" in given(container):
        assert given(container)["POSEWAY_HOST"] == "0.0.0.0"


@pytest.mark.parametrize("deployment", deployments(), ids=lambda d: d["metadata"]["name"])
def test_probes_ask_an_open_port(deployment: dict[str, Any]) -> None:
    container = container_of(deployment)
    ports = open_ports(container)
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        if name not in container:
            continue
        if "grpc" in container[name]:
            assert container[name]["grpc"]["port"] == ports["grpc"]
        else:
            assert container[name]["httpGet"]["port"] in ports


@pytest.mark.parametrize("service", services(), ids=lambda d: d["metadata"]["name"])
def test_a_service_finds_its_own_pods_and_a_port_that_they_open(service: dict[str, Any]) -> None:
    selector = service["spec"]["selector"]
    (found,) = [
        deployment
        for deployment in deployments()
        if selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    ]
    assert found["metadata"]["name"] == service["metadata"]["name"]
    open_there = open_ports(container_of(found))
    for port in service["spec"]["ports"]:
        assert port["targetPort"] in open_there
        # Without an address of its own, a Service translates no port.
        if service["spec"].get("clusterIP") == "None":
            assert port["port"] == open_there[port["targetPort"]]


def test_the_dispatcher_calls_services_that_exist_on_their_ports() -> None:
    offered = {
        f"{service['metadata']['name']}:{port['port']}"
        for service in services()
        for port in service["spec"]["ports"]
        if port["name"] == "grpc"
    }
    (dispatcher,) = [d for d in deployments() if d["metadata"]["name"] == "gateway-dispatcher"]
    called = {
        name: address
        for name, address in given(container_of(dispatcher)).items()
        if name.endswith("_ADDRESS")
    }
    assert set(called.values()) == offered
    for name, address in called.items():
        service = name.removeprefix("POSEWAY_").removesuffix("_ADDRESS").lower()
        assert address.partition(":")[0] == service


def test_inference_works_on_as_many_frames_as_it_asks_for_cores() -> None:
    (inference,) = [d for d in deployments() if d["metadata"]["name"] == "inference"]
    container = container_of(inference)
    # It counts the cores of its limit; without one, those of the node.
    resources = container["resources"]
    assert resources["limits"]["cpu"] == resources["requests"]["cpu"]
    assert not {"POSEWAY_WORKERS"} & set(given(container))


def test_the_rules_of_the_bucket_are_rules_and_name_the_uploads() -> None:
    rules = json.loads((BASE.parents[1] / "setup" / "lifecycle.json").read_text())
    s3 = botocore.model.ServiceModel(
        botocore.loaders.create_loader().load_service_model("s3", "service-2"), "s3"
    )
    errors = botocore.validate.ParamValidator().validate(
        rules, s3.shape_for("BucketLifecycleConfiguration")
    )
    assert not errors.has_errors(), errors.generate_report()
    found = [rule["Filter"]["Prefix"] for rule in rules["Rules"] if "Expiration" in rule]
    expiring = tuple(found)
    keys = Keys("3f9c")
    assert expiring == ("uploads/", "pending/", "idempotency/")
    assert keys.upload.startswith(expiring)
    for kept in (keys.record, keys.result, "keys/", "usage/", "owners/"):
        assert not kept.startswith(expiring)


def test_the_gateway_gets_the_keys_that_it_does_not_start_without() -> None:
    (gateway,) = [d for d in deployments() if d["metadata"]["name"] == "gateway-api"]
    container = container_of(gateway)
    host = given(container)["POSEWAY_HOST"]
    assert keys_needed("auto", host)
    secrets = [s["secretRef"] for s in container["envFrom"] if "secretRef" in s]
    # Optional: whoever has keys in the bucket needs none here.
    assert {"name": "access", "optional": True} in secrets
    told = (BASE.parent / "README.md").read_text()
    assert "create secret generic access" in told
    for name in set(re.findall(r"POSEWAY_[A-Z_]*KEY(?==)", told)):
        assert name.removeprefix("POSEWAY_").lower() in ApiSettings.model_fields, name
