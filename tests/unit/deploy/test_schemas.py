"""All objects are valid, without unknown fields."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as monitoring
from kubernetes_validate import utils
from pydantic import BaseModel, ValidationError

from tests.support.deploy.objects import (
    CHOICES,
    COMPONENTS,
    K8S,
    Object,
    called,
    named,
    overlay,
    with_components,
)

# The oldest version in deploy/k8s/README.md, and the newest with schemas.
OLDEST: Final = "1.30"
NEWEST: Final = kubernetes_validate.latest_version()

# Custom resources, by API and kind.
FOREIGN: Final[dict[tuple[str, str], type[BaseModel]]] = {
    ("keda.sh/v1alpha1", "ScaledObject"): keda.ScaledObject,
    ("keda.sh/v1alpha1", "TriggerAuthentication"): keda.TriggerAuthentication,
    ("monitoring.coreos.com/v1", "PodMonitor"): monitoring.PodMonitor,
    ("monitoring.coreos.com/v1", "PrometheusRule"): monitoring.PrometheusRule,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): monitoring.ServiceMonitor,
}


# Otherwise the validator reads 2 MB of definitions for every object.
utils.schema_contents = cache(utils.schema_contents)


class UnknownError(Exception):
    """An object has an unknown field."""


def validate(item: Object, version: str) -> None:
    """Validates an object strictly, against a version of Kubernetes or its custom resource."""
    foreign = FOREIGN.get((item["apiVersion"], item["kind"]))
    if foreign is None:
        kubernetes_validate.validate(item, version, strict=True)
        return
    known = foreign.model_validate(item).model_dump(mode="json", by_alias=True, exclude_unset=True)
    compare(item, known, item["kind"])


def compare(given: Any, known: Any, where: str) -> None:  # noqa: ANN401 # any JSON
    """Raises an error for a value that is missing after parsing, and hence unknown."""
    if isinstance(given, dict):
        for key, value in given.items():
            if key not in known:
                raise UnknownError(f"{where} has no field {key}")
            compare(value, known[key], f"{where}.{key}")
    elif isinstance(given, list):
        for index, value in enumerate(given):
            compare(value, known[index], f"{where}[{index}]")


@cache
def passed(text: str, version: str) -> bool:
    """Whether an object, given as JSON, is valid. Cached, since overlays share most objects."""
    validate(json.loads(text), version)
    return True


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_objects_are_valid(objects: list[Object], version: str) -> None:
    for item in objects:
        assert passed(json.dumps(item), version), called(item)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_optional_components_are_valid(version: str, tmp_path: Path) -> None:
    for item in with_components(tmp_path, *CHOICES & set(COMPONENTS)):
        assert passed(json.dumps(item), version), called(item)


def test_readme_names_the_oldest_version() -> None:
    assert f"Kubernetes {OLDEST} or newer" in (K8S / "README.md").read_text()


def changed(item: Object, *path: str | int, value: object) -> Object:
    """Returns a copy with a field added or changed."""
    other = copy.deepcopy(item)
    place: Any = other
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return other


def test_unknown_field_or_wrong_value_is_detected() -> None:
    gateway = named(overlay("local"), "Deployment", "gateway-api")
    validate(gateway, NEWEST)
    pod = ("spec", "template", "spec")
    for wrong in (
        changed(gateway, *pod, "enableServiceLink", value=False),
        changed(gateway, *pod, "containers", 0, "readinessProbe", "grpcs", value={"port": 1}),
        changed(gateway, "spec", "replicas", value="three"),
    ):
        with pytest.raises(kubernetes_validate.ValidationError):
            validate(wrong, NEWEST)


def scaled() -> Object:
    trigger = {"type": "nats-jetstream", "metadata": {"stream": "JOBS", "lagThreshold": "1"}}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "inference", "namespace": "poseway"},
        "spec": {"scaleTargetRef": {"name": "inference"}, "triggers": [trigger]},
    }


def test_unknown_field_or_wrong_value_of_custom_resources_is_detected() -> None:
    validate(scaled(), NEWEST)
    for path in (("spec", "minReplicas"), ("spec", "triggers", 0, "meta"), ("spec", "kind")):
        with pytest.raises(UnknownError):
            validate(changed(scaled(), *path, value=1), NEWEST)
    with pytest.raises(ValidationError):
        validate(changed(scaled(), "spec", "minReplicaCount", value="none"), NEWEST)
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "poseway"},
        "spec": {"groups": [{"name": "jobs", "rules": [{"alert": "A", "expr": "up == 0"}]}]},
    }
    validate(rule, NEWEST)
    wrong = changed(rule, "spec", "groups", 0, "rules", 0, "after", value="5m")
    with pytest.raises(UnknownError):
        validate(wrong, NEWEST)
