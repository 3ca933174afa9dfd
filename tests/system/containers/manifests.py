"""The base manifests in a form that podman's `kube play` accepts, with stand-ins for gaps."""

import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from tests.system.containers.engine import ROOT, image

BASE: Final = ROOT / "deploy" / "k8s" / "base"
Document = dict[str, Any]


def rendered() -> list[Document]:
    """All documents of the base, by kubectl's Kustomize."""
    kubectl = str(Path(sys.executable).with_name("kubectl"))
    done = subprocess.run(
        [kubectl, "kustomize", str(BASE)], capture_output=True, text=True, check=True
    )
    return list(yaml.safe_load_all(done.stdout))


def of_kind(documents: list[Document], kind: str) -> list[Document]:
    """The documents of a kind."""
    return [document for document in documents if document["kind"] == kind]


def name_of(document: Document) -> str:
    """A document's name."""
    return str(document["metadata"]["name"])


def adapted(deployment: Document) -> Document:
    """A Deployment as podman 4.3 runs it; everything else in it stays as it is.

    - Images have the tag of the tests.
    - Probes go: podman knows none of gRPC, and makes those of HTTP a `curl` inside the container,
      which has none. The tests probe from outside.
    - Ports go: podman publishes each on the machine, where those of two pods are in each other's
      way. Pods reach each other without.
    """
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        container["image"] = image(container["image"])
        for key in ("startupProbe", "readinessProbe", "livenessProbe", "ports"):
            container.pop(key, None)
    return deployment


def aliases(deployment: Document, services: list[Document]) -> list[str]:
    """Names of the Services that select a Deployment's pods: podman has no Services."""
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    return [name_of(s) for s in services if s["spec"]["selector"].items() <= labels]


def new_secrets() -> dict[str, dict[str, str]]:
    """Contents of the Secrets, as services read them."""
    return {
        "storage": {
            "POSEWAY_S3_ACCESS_KEY": secrets.token_hex(10),
            "POSEWAY_S3_SECRET_KEY": secrets.token_hex(20),
        },
        "queue": {"POSEWAY_NATS_TOKEN": secrets.token_hex(20)},
        "access": {
            "POSEWAY_FIRST_KEY": f"pw_{secrets.token_hex(4)}_{secrets.token_hex(20)}",
            "POSEWAY_SIGNING_KEY": secrets.token_hex(32),
        },
    }


def stand_ins(held: dict[str, dict[str, str]]) -> dict[str, Document]:
    """Pods of SeaweedFS, which replaces MinIO, and NATS, by their host names."""
    storage = held["storage"]
    weed = ["mini", "-dir=/data", "-ip=127.0.0.1", "-ip.bind=0.0.0.0", "-s3.port=9000"]
    off = ["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    account = {
        "AWS_ACCESS_KEY_ID": storage["POSEWAY_S3_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": storage["POSEWAY_S3_SECRET_KEY"],
    }
    token = held["queue"]["POSEWAY_NATS_TOKEN"]
    nats = ["-js", "-sd", "/data", "--auth", token]
    return {
        "minio": _pod("minio", ["weed", *weed, *off, "-master.telemetry=false"], account),
        "nats": _pod("nats", ["nats-server", *nats], {}),
    }


def _pod(name: str, command: list[str], env: dict[str, str]) -> Document:
    container = {
        "name": name,
        "image": image("stand-ins"),
        "command": command,
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [container], "volumes": [{"name": "data", "emptyDir": {}}]},
    }
