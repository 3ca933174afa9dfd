"""The manifests say what the services understand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

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


def test_every_file_is_used() -> None:
    used = yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"]
    assert sorted(used) == sorted(p.name for p in BASE.glob("*.yaml") if "kustom" not in p.name)


@pytest.mark.parametrize("deployment", deployments(), ids=lambda d: d["metadata"]["name"])
def test_deployments_start_what_exists_with_settings_that_exist(deployment: dict[str, Any]) -> None:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["args"][0] == "-m"
    settings = SETTINGS[container["args"][1]]
    given = {item["name"] for item in container["env"]}
    used = {s["configMapRef"]["name"] for s in container.get("envFrom", []) if "configMapRef" in s}
    for document in documents():
        if document["kind"] == "ConfigMap" and document["metadata"]["name"] in used:
            given |= set(document["data"])
    known = {f"POSEWAY_{name.upper()}" for name in settings.model_fields}
    assert given <= known


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


def test_services_find_their_pods() -> None:
    labels = [d["spec"]["template"]["metadata"]["labels"] for d in deployments()]
    ports = {
        port["name"]
        for d in deployments()
        for container in d["spec"]["template"]["spec"]["containers"]
        for port in container["ports"]
    }
    for service in (d for d in documents() if d["kind"] == "Service"):
        assert service["spec"]["selector"] in labels
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
