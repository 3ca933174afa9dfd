"""The images, on a base made by debootstrap, run as in the base manifests and process a job."""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from poseway.client import Client
from poseway.jobs import JobState
from tests.system.containers.cluster import Cluster, build
from tests.system.containers.engine import ROOT, image, inspect, podman, reason_to_skip, run

pytestmark = [
    pytest.mark.skipif(reason_to_skip() is not None, reason=str(reason_to_skip())),
    pytest.mark.timeout(3600),
]

PROJECT = ROOT / "pyproject.toml"
SERVICES = ("gateway-api", "gateway-dispatcher", "inference", "tracker", "renderer")
# Packages in each image, and their former names under /app/services.
PACKAGES = {
    "poseway-gateway": ("poseway_gateway", {"gateway"}),
    "poseway-dispatcher": ("poseway_gateway.dispatcher", {"gateway"}),
    "poseway-inference": ("poseway_inference", {"inference"}),
    "poseway-tracker": ("poseway_tracker", {"tracker"}),
    "poseway-renderer": ("poseway_renderer", {"renderer"}),
    "poseway-setup": ("deploy.setup", set()),
}
LOCKS = ("build", "sbom", *(name.removeprefix("poseway-") for name in PACKAGES), "inference-gpu")
# Runs in an image: imports a package with all modules and reports what else is there.
LOOK = """
import importlib, importlib.util, json, os, pkgutil, shutil, sys
package = importlib.import_module(sys.argv[1])
names = [found.name for found in pkgutil.walk_packages(package.__path__, sys.argv[1] + ".")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(json.dumps({
    "modules": len(names),
    "pip": importlib.util.find_spec("pip") is not None,
    "compilers": [name for name in ("cc", "gcc", "g++", "clang", "ld") if shutil.which(name)],
    "services": sorted(os.listdir("services")) if os.path.isdir("services") else [],
    "user": [os.getuid(), os.getgid()],
    "folder": os.getcwd(),
}))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    build()
    running = Cluster()
    try:
        running.start()
        yield running
    finally:
        running.remove()


@pytest.mark.essential
def test_the_sample_is_processed(cluster: Cluster, sample: Path, tmp_path: Path) -> None:
    with Client(cluster.gateway_url, cluster.key) as client:
        job = client.wait(client.submit(sample).id)
        logs = {name: cluster.log(name)[-2000:] for name in SERVICES}
        assert job.state is JobState.SUCCEEDED, (job.error, logs)
        manifest = client.manifest(job.id)
        client.fetch(job, tmp_path)
    assert (manifest.frames, manifest.people) == (230, 2)
    lines = (tmp_path / "keypoints.jsonl").read_text().splitlines()
    people = [len(json.loads(line)["people"]) for line in lines[1:]]
    assert len(people) == 230
    assert max(people) == 2
    with av.open(tmp_path / "video.mp4") as video:
        assert video.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in video.decode(video=0)) == 230


@pytest.mark.parametrize("name", ["inference", "tracker", "renderer"])
def test_grpc_probes_are_answered(cluster: Cluster, name: str) -> None:
    with grpc.insecure_channel(f"{cluster.address(name)}:50051") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods have no types
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("name", SERVICES)
def test_processes_run_without_privileges(cluster: Cluster, name: str) -> None:
    container = cluster.container(name)
    status = dict(
        line.split(":", 1)
        for line in podman(
            "exec", container, "python", "-c", "print(open('/proc/1/status').read())"
        )
        .strip()
        .splitlines()
    )
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"10001"}
    assert {status[key].strip() for key in ("CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
    assert (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2")
    writing = "open('/app/new', 'w')"
    with pytest.raises(AssertionError, match="Read-only file system"):
        podman("exec", "--user", "0", container, "python", "-c", writing)


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.usefixtures("cluster")
def test_an_image_contains_only_what_its_service_needs(name: str) -> None:
    package, services = PACKAGES[name]
    options = ("--rm", "--read-only", "--network", "none", "--cap-drop", "all")
    told = json.loads(podman("run", *options, image(name), "-c", LOOK, package).splitlines()[-1])
    assert told.pop("modules") >= 3
    assert set(told.pop("services")) - {"__pycache__"} == services
    assert told == {"pip": False, "compilers": [], "user": [10001, 10001], "folder": "/app"}


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.usefixtures("cluster")
def test_an_image_is_labelled(name: str) -> None:
    config = inspect("image", "inspect", image(name))["Config"]
    labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items()}
    assert labels["title"] == name
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"] == tomllib.loads(PROJECT.read_text())["project"]["version"]
    assert re.fullmatch("[0-9a-f]{40}", labels["revision"])
    assert labels["description"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/opt/venv/bin/python"]


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_package_has_a_wheel_for_each_architecture(
    lock: str, machine: str, tmp_path: Path
) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    options = ["--quiet", "--no-config", "--dry-run", "--only-binary=:all:", "--require-hashes"]
    # Debian 12's version: wheels that need a newer glibc do not count.
    platform = [f"--python-platform={machine}-manylinux_2_36", "--python-version=3.11"]
    target = [f"--target={tmp_path}", "-r", f"requirements/{lock}.lock"]
    run(uv, "pip", "install", *options, *platform, *target)
