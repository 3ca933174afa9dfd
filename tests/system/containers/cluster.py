"""The base manifests running in podman: built, started, and removed without a trace."""

import base64
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import yaml
from pydantic import SecretStr

from poseway.errors import PosewayError
from poseway.local.probes import is_ready
from poseway.local.supervisor import find_program
from poseway.settings import StorageSettings
from poseway.storage import ObjectStore
from tests.system.containers import manifests
from tests.system.containers.engine import BASE, HOME, TAG, image, inspect, podman, run

NETWORK: Final = "poseway-test"
_START_SECONDS: Final = 180


def build() -> None:
    """Builds the base if it is missing, the images of the services, and the stand-ins."""
    if not _exists(BASE):
        run("deploy/images/base.sh", BASE, ENGINE="buildah")
    run("deploy/images/build.sh", ENGINE="buildah", BASE=BASE, TAG=TAG)
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        for name in ("weed", "nats-server"):
            program = find_program(name)
            assert program, f"there is no {name}: run `make test-containers`"
            shutil.copy(program, folder)
        lines = f"FROM {BASE}\nCOPY weed nats-server /usr/local/bin/\n"
        (Path(folder) / "Dockerfile").write_text(lines)
        run("buildah", "build", "--layers", "--tag", image("stand-ins"), folder)


def _exists(name: str) -> bool:
    return name in podman("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()


class Cluster:
    """The system of the manifests: a podman pod for each Deployment, in one network.

    Attributes:
        deployments: The Deployments, by name, as podman got them.
        gateway_url: Address of the page and the API.
        key: The first API key.
    """

    def __init__(self) -> None:
        """Renders the manifests; nothing is started yet."""
        documents = manifests.rendered()
        self._services = manifests.of_kind(documents, "Service")
        self._settings = manifests.of_kind(documents, "ConfigMap")
        self.deployments = {
            manifests.name_of(document): manifests.adapted(document)
            for document in manifests.of_kind(documents, "Deployment")
        }
        self._held = manifests.new_secrets()
        self.key = self._held["access"]["POSEWAY_FIRST_KEY"]
        self.gateway_url = ""

    def start(self) -> None:
        """Starts everything and waits until jobs can be taken."""
        self.remove()
        podman("network", "create", NETWORK)
        for name, values in self._held.items():
            # This podman cannot read back the values of a Secret given in YAML.
            coded = {
                key: base64.b64encode(value.encode()).decode() for key, value in values.items()
            }
            podman("secret", "create", name, "-", given=json.dumps(coded))
        for name, pod in manifests.stand_ins(self._held).items():
            self._play([pod], [name])
        _wait("object storage", self._bucket)
        for deployment in self.deployments.values():
            # The name of a Service resolves to all pods that it selects.
            names = manifests.aliases(deployment, self._services)
            self._play([*self._settings, deployment], names)
        self.gateway_url = f"http://{self.address('gateway-api')}:8080"
        _wait("gateway", lambda: is_ready(self.gateway_url))

    def _play(self, documents: list[manifests.Document], names: list[str]) -> None:
        network = ",".join([NETWORK, *(f"alias={name}" for name in names)]).replace(",", ":", 1)
        podman("kube", "play", "--network", network, "-", given=yaml.safe_dump_all(documents))

    def _bucket(self) -> bool:
        storage = self._held["storage"]
        store = ObjectStore(
            StorageSettings(
                s3_endpoint=f"http://{self.address('minio')}:9000",
                s3_access_key=storage["POSEWAY_S3_ACCESS_KEY"],
                s3_secret_key=SecretStr(storage["POSEWAY_S3_SECRET_KEY"]),
            )
        )
        try:
            store.ensure_bucket()
            store.put("ready", b"ready", "text/plain")
            return store.get("ready")[0] == b"ready"
        except PosewayError:
            return False

    def pods(self) -> list[str]:
        """The names of all pods in the network of the test."""
        listed = podman("pod", "ps", "--filter", f"network={NETWORK}", "--format", "{{.Name}}")
        return listed.split()

    def pod(self, name: str) -> str:
        """The (first) pod of a Deployment; podman calls it by a name of its own."""
        return next(pod for pod in self.pods() if pod in (name, f"{name}-pod", f"{name}-pod-0"))

    def container(self, name: str) -> str:
        """The container of a Deployment's pod."""
        return f"{self.pod(name)}-{name}"

    def address(self, name: str) -> str:
        """A pod's address in the network of the test, which only this machine reaches."""
        infra = inspect("pod", "inspect", self.pod(name))["InfraContainerID"]
        networks = inspect("inspect", infra)["NetworkSettings"]["Networks"]
        return str(networks[NETWORK]["IPAddress"])

    def log(self, name: str) -> str:
        """The log of a pod's container."""
        return run("sh", "-c", f"podman logs {self.container(name)} 2>&1")

    def remove(self) -> None:
        """Removes pods, their volumes, secrets and the network; images stay, for the next time."""
        podman("pod", "rm", "--force", "--all", "--time", "10")
        podman("volume", "prune", "--force")
        if NETWORK in podman("network", "ls", "--format", "{{.Name}}").split():
            podman("network", "rm", NETWORK)
        for name in podman("secret", "ls", "--format", "{{.Name}}").split():
            podman("secret", "rm", name)


def _wait(what: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        assert time.monotonic() < deadline, f"{what} is not ready after {_START_SECONDS} s"
        time.sleep(0.5)
