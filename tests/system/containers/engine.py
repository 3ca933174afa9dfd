"""podman and buildah with a store of their own, under ``build/containers``."""

import json
import os
import resource
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[3]
HOME: Final = ROOT / "build" / "containers"
BASE: Final = "localhost/poseway-base:latest"
TAG: Final = "test"

# Programs by the Debian package that has them.
_NEEDED: Final = {
    "podman": "podman",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "runc": "runc",
    "catatonit": "catatonit",
    "iptables": "iptables",
    "netavark": "/usr/lib/podman/netavark",
    "aardvark-dns": "/usr/lib/podman/aardvark-dns",
}


def reason_to_skip() -> str | None:
    """The reason why the tests cannot run here; None if they can."""
    if not os.environ.get("POSEWAY_TEST_CONTAINERS"):
        return "builds images for many minutes: `make test-containers` runs it"
    missing = [package for package, program in _NEEDED.items() if not shutil.which(program)]
    if missing:
        return f"needs root and Debian's packages: apt-get install {' '.join(missing)}"
    return "debootstrap needs root" if os.geteuid() else None


def environment() -> dict[str, str]:
    """The environment in which podman and buildah use the store of the tests."""
    HOME.mkdir(parents=True, exist_ok=True)
    files, processes = (
        resource.getrlimit(limit)[1] for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)
    )
    # runc: crun refuses machines that have control groups of both versions. The limits are at most
    # those of this process, since a sandbox may not raise them.
    (HOME / "containers.conf").write_text(
        "[containers]\n"
        f'default_ulimits = ["nofile={files}:{files}", '
        f'"nproc={_at_most(processes, 32768)}:{_at_most(processes, 32768)}"]\n'
        '[engine]\nruntime = "runc"\nevents_logger = "file"\n'
        f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{HOME / "networks"}"\n'
    )
    (HOME / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{HOME / "storage"}"\n'
        'runroot = "/run/poseway-test-containers"\n'
    )
    return {
        **os.environ,
        "CONTAINERS_CONF": str(HOME / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(HOME / "storage.conf"),
        "BUILDAH_RUNTIME": "runc",
    }


def _at_most(limit: int, most: int) -> int:
    return most if limit == resource.RLIM_INFINITY else min(limit, most)


def run(*words: str, given: str | None = None, **env: str) -> str:
    """Runs a command in the checkout and returns its output; fails with its errors."""
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environment() | env,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def podman(*words: str, given: str | None = None) -> str:
    """Runs podman and returns what it printed."""
    return run("podman", "--log-level", "error", *words, given=given)


def inspect(*words: str) -> dict[str, Any]:
    """Podman's JSON about one object: ``inspect("pod", "inspect", NAME)``."""
    told = json.loads(podman(*words))
    found: dict[str, Any] = told[0] if isinstance(told, list) else told
    return found


def image(name: str) -> str:
    """Name of a service's image in the store of the tests."""
    return f"localhost/{name}:{TAG}"
