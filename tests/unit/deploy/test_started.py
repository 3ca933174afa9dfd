"""Containers start existing modules with valid settings and required resources."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import botocore.loaders
import botocore.model
import botocore.validate
from pydantic_settings import BaseSettings

from deploy.setup.bucket import BucketSettings
from poseway.api_keys import keys_needed
from poseway.jobs import Keys
from poseway.settings import Settings
from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.dispatcher.settings import DispatcherSettings
from poseway_inference.settings import InferenceSettings
from poseway_renderer.settings import RendererSettings
from poseway_tracker.settings import TrackerSettings
from tests.support.deploy.objects import (
    K8S,
    Object,
    called,
    containers,
    named,
    of_kind,
    open_ports,
    template,
    workloads,
)

SETTINGS: dict[str, type[BaseSettings]] = {
    "poseway_gateway.api": ApiSettings,
    "poseway_gateway.dispatcher": DispatcherSettings,
    "poseway_inference": InferenceSettings,
    "poseway_renderer": RendererSettings,
    "poseway_tracker": TrackerSettings,
    "deploy.setup.bucket": BucketSettings,
    "deploy.setup.secrets": Settings,
}


def ours(objects: list[Object]) -> list[tuple[Object, Object]]:
    """Returns the workloads with their containers that run Poseway's code."""
    return [
        (item, container)
        for item in workloads(objects)
        for container in containers(template(item)["spec"])
        if container["image"].startswith("poseway-")
    ]


def given(container: Object) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container.get("env", ()) if "value" in item}


def test_containers_start_existing_modules_with_existing_settings(objects: list[Object]) -> None:
    for item, container in ours(objects):
        assert container["args"][0] == "-m"
        module = container["args"][1]
        assert find_spec(module), module
        names = set(given(container))
        for source in container.get("envFrom", ()):
            if "configMapRef" in source:
                said = named(objects, "ConfigMap", source["configMapRef"]["name"])
                names |= set(said["data"])
        known = {f"POSEWAY_{name.upper()}" for name in SETTINGS[module].model_fields}
        assert {name for name in names if name.startswith("POSEWAY_")} <= known, called(item)


def test_containers_open_the_ports_they_listen_on(objects: list[Object]) -> None:
    for item, container in ours(objects):
        api = container["args"][1] == "poseway_gateway.api"
        names = {
            "POSEWAY_METRICS_PORT": "metrics",
            "POSEWAY_HEALTH_PORT": "health",
            "POSEWAY_PORT": "http" if api else "grpc",
        }
        said = given(container)
        listened = {names[name]: int(value) for name, value in said.items() if name in names}
        assert listened == open_ports(container), called(item)
        if "POSEWAY_PORT" in said:
            assert said["POSEWAY_HOST"] == "0.0.0.0"


def test_inference_uses_all_cores_of_its_limit(objects: list[Object]) -> None:
    (container,) = template(named(objects, "Deployment", "inference"))["spec"]["containers"]
    # The service counts the cores of its limit, or without a limit those of the node.
    assert container["resources"]["limits"]["cpu"]
    assert "POSEWAY_WORKERS" not in given(container)


def test_gateway_gets_its_required_keys(objects: list[Object]) -> None:
    (container,) = template(named(objects, "Deployment", "gateway-api"))["spec"]["containers"]
    assert keys_needed("auto", given(container)["POSEWAY_HOST"])
    secrets = [source["secretRef"] for source in container["envFrom"] if "secretRef" in source]
    assert {"name": "access"} in secrets


def test_readme_names_existing_settings() -> None:
    known = {f"POSEWAY_{n.upper()}" for s in SETTINGS.values() for n in s.model_fields}
    for name in set(re.findall(r"POSEWAY_[A-Z0-9_]+", (K8S / "README.md").read_text())):
        assert name in known, name


def test_components_have_one_object_per_kind(objects: list[Object]) -> None:
    names = [item["metadata"]["name"] for item in of_kind(objects, "Deployment")]
    assert len(names) == len(set(names))


def test_lifecycle_rules_are_valid_and_cover_uploads() -> None:
    page = Path(K8S).parent / "setup" / "lifecycle.json"
    rules = json.loads(page.read_text())
    s3 = botocore.model.ServiceModel(
        botocore.loaders.create_loader().load_service_model("s3", "service-2"), "s3"
    )
    errors = botocore.validate.ParamValidator().validate(
        rules, s3.shape_for("BucketLifecycleConfiguration")
    )
    assert not errors.has_errors(), errors.generate_report()
    expiring = tuple(rule["Filter"]["Prefix"] for rule in rules["Rules"] if "Expiration" in rule)
    keys = Keys("3f9c")
    assert expiring == ("uploads/", "pending/", "idempotency/")
    assert keys.upload.startswith(expiring)
    for kept in (keys.record, keys.result, "keys/", "usage/", "owners/"):
        assert not kept.startswith(expiring)
