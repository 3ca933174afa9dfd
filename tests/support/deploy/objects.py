"""The manifests as applied to a cluster: the output of ``kubectl kustomize`` for each overlay."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

Object: TypeAlias = dict[str, Any]

K8S = Path(__file__).resolve().parents[3] / "deploy" / "k8s"
# The virtual environment's own kubectl.
KUBECTL = Path(sys.executable).parent / "kubectl"
LABEL = "app.kubernetes.io/component"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


def folders(kind: str) -> list[Path]:
    """Returns all folders under `kind` that can be built."""
    return sorted(path.parent for path in (K8S / kind).rglob("kustomization.yaml"))


OVERLAYS = [path.name for path in folders("overlays")]
# Components that require another one.
UNDER = {"nats-cluster": "nats", "traces": "network-policies"}
# Optional components, which are in no overlay.
CHOICES = {"hpa", "traces"}
COMPONENTS = [str(path.relative_to(K8S / "components")) for path in folders("components")]


@cache
def build(folder: Path) -> list[Object]:
    """Returns the objects of a folder, which must not be modified."""
    made = subprocess.run(
        [KUBECTL, "kustomize", folder],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"KUBECONFIG": os.devnull},
    )
    assert made.returncode == 0, made.stderr
    # kustomize warns of fields that are deprecated or ignored.
    assert not made.stderr, made.stderr
    return list(yaml.safe_load_all(made.stdout))


def overlay(name: str) -> list[Object]:
    """Returns the objects of an overlay."""
    return build(K8S / "overlays" / name)


def with_components(folder: Path, *names: str) -> list[Object]:
    """Returns the base with components, built in a `folder` of its own."""
    components = [K8S / "components" / name for name in names]
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "poseway",
        "resources": [os.path.relpath(K8S / "base", folder.resolve())],
        "components": [os.path.relpath(path, folder.resolve()) for path in components],
    }
    folder.mkdir(exist_ok=True)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return build(folder)


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    """Returns the objects of some kinds."""
    return [item for item in objects if item["kind"] in kinds]


def named(objects: list[Object], kind: str, name: str) -> Object:
    """Returns the only object with this kind and name."""
    (found,) = [item for item in of_kind(objects, kind) if item["metadata"]["name"] == name]
    return found


def called(item: Object) -> str:
    """Returns kind and name of an object, for messages."""
    return f"{item['kind']} {item['metadata']['name']}"


def template(item: Object) -> Object:
    """Returns the pod template of a workload."""
    spec = item["spec"]["jobTemplate"]["spec"] if item["kind"] == "CronJob" else item["spec"]
    made: Object = spec["template"]
    return made


def workloads(objects: list[Object]) -> list[Object]:
    """Returns all objects that create pods."""
    return of_kind(objects, *WORKLOADS, "CronJob")


def containers(pod: Object) -> Iterator[Object]:
    """Returns all containers of a pod, including init and ephemeral containers."""
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod.get(kind, ())


def component(item: Object) -> str:
    """Returns the component of a workload, from the label of its pods."""
    label: str = template(item)["metadata"]["labels"][LABEL]
    return label


def open_ports(container: Object) -> dict[str, int]:
    """Returns a container's ports by name."""
    return {port["name"]: port["containerPort"] for port in container.get("ports", ())}


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector matches labels; an empty selector matches all."""
    wanted = selector.get("matchLabels", {})
    return wanted.items() <= labels.items() and all(
        _meets(expression, labels) for expression in selector.get("matchExpressions", ())
    )


def _meets(expression: Object, labels: dict[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise AssertionError(f"no operator: {expression}")
