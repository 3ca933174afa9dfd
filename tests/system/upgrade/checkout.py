"""The previous version from git, run with the packages installed here."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pytest

from poseway.local.bucket import running_storage
from poseway.local.ports import free_ports
from poseway.local.stack import running
from poseway.paths import ROOT
from poseway.storage import ObjectStore
from tests.support.paths import python_path
from tests.support.waiting import until

# End of the module's name, before and after services became packages.
DISPATCHER: Final = "gateway.dispatcher"
API: Final = "gateway.api"
FROM: Final = "POSEWAY_TEST_UPGRADE_FROM"
SEGMENTS: Final = {"POSEWAY_SEGMENT_SECONDS": "1"}

# The last release wrote these files, so the last commit that changed them is that release.
_RELEASED: Final = (
    "tests/upgrade/recorded",  # where it was before
    "tests/system/upgrade/recorded",
    "proto/released.binpb",
)
_IMPORT_ALL: Final = """
import importlib, importlib.util, pkgutil
ours = ("gateway", "inference", "renderer", "tracker")
names = ("services", *(f"poseway_{name}" for name in ours))
for package in filter(importlib.util.find_spec, names):
    path = importlib.util.find_spec(package).submodule_search_locations
    for found in pkgutil.walk_packages(path, f"{package}."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""


def git(*words: str) -> str:
    """Output of git; skips the test without git or history."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"git {words[0]}: {done.stderr.strip().rpartition(chr(10))[2]}")
    return done.stdout.strip()


def revision() -> str:
    """The previous version: the one named in the environment, or else the last release."""
    if named := os.environ.get(FROM):
        found = git("rev-list", "--max-count=1", "--ignore-missing", named, "--")
        return found or pytest.fail(f"{FROM} names {named}, which is no commit")
    if git("rev-parse", "--is-shallow-repository") == "true":
        pytest.skip("the history is not here, only its end: git fetch --unshallow")
    # Moving a file is not a release.
    found = git("log", "-1", "--format=%H", "-M", "--diff-filter=AM", "--", *_RELEASED)
    return found or pytest.skip("nothing was released")


@dataclass(frozen=True)
class Checkout:
    """A version in a folder of its own.

    Attributes:
        folder: Where it is.
        revision: Its commit.
    """

    folder: Path
    revision: str

    @property
    def env(self) -> dict[str, str]:
        """Environment in which Python imports modules from the checkout."""
        return {"PYTHONPATH": python_path(self.folder)}

    @contextmanager
    def up(self, data_dir: Path) -> Iterator["Old"]:
        """Starts its system as users do; kills it at the end of the block if still running."""
        port = str(free_ports(1)[0])
        up = ["-c", "from poseway.cli import app; app()", "up"]
        command = [sys.executable, *up, "--data-dir", str(data_dir), "--port", port]
        env = {**os.environ, **SEGMENTS, **self.env}
        with (self.folder / f"{port}.log").open("wb") as log:
            launcher = subprocess.Popen(
                command, cwd=self.folder, env=env, stdout=log, stderr=log, start_new_session=True
            )
        system = Old(self, data_dir, launcher, Path(log.name))
        try:
            system.wait()
            yield system
        finally:
            system.kill()

    def check_packages(self) -> None:
        """Skips the test if its modules cannot be imported with the installed packages."""
        command = [sys.executable, "-c", _IMPORT_ALL]
        env = {**os.environ, **self.env}
        done = subprocess.run(
            command, cwd=self.folder, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            why = done.stderr.strip().rpartition("\n")[2]
            pytest.skip(f"{self.revision[:7]} does not run with these packages: {why}")


def made(folder: Path) -> Checkout:
    """The previous version, with its stubs and the weights of this checkout."""
    wanted = revision()
    archive = folder / "archive.tar"
    git("archive", "--output", str(archive), wanted)
    shutil.unpack_archive(archive, folder, filter="data")
    protos = [str(path.relative_to(folder)) for path in folder.glob("proto/poseway/v1/*.proto")]
    stubs = ["-m", "grpc_tools.protoc", "-Iproto", "--python_out=.", "--grpc_python_out=."]
    subprocess.run([sys.executable, *stubs, *protos], cwd=folder, check=True)
    (folder / "models/weights").symlink_to(ROOT / "models/weights")
    return Checkout(folder, wanted)


@dataclass
class Old:
    """A system of the version before this one.

    Attributes:
        checkout: Its version.
        data_dir: Where it has its data.
        launcher: The process that users start.
        log: Output of the launcher.
    """

    checkout: Checkout
    data_dir: Path
    launcher: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> None:
        """Waits until it accepts jobs."""
        until(lambda: self.launcher.poll() is not None or running(self.data_dir))
        if self.launcher.poll() is not None:
            self.checkout.check_packages()
            pytest.fail(self.log.read_text())

    @property
    def url(self) -> str:
        """Address of its gateway."""
        url = running(self.data_dir)
        assert url is not None
        return url

    @cached_property
    def store(self) -> ObjectStore:
        """Its bucket."""
        return ObjectStore(running_storage(self.data_dir))

    def children(self) -> dict[int, str]:
        """Its processes and their commands."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.launcher.pid:
                    found[int(path.name)] = (path / "cmdline").read_text()
            except OSError:
                continue  # it ended meanwhile
        return found

    def pid(self, module: str) -> int:
        """The process of a service."""
        (pid,) = (
            pid for pid, command in self.children().items() if command.endswith(f"{module}\0")
        )
        return pid

    def settings(self, module: str) -> dict[str, str]:
        """The environment of a service."""
        told = Path(f"/proc/{self.pid(module)}/environ").read_text().split("\0")
        return dict(line.split("=", 1) for line in told if line)

    def copy(self, folder: Path) -> None:
        """Copies its data while all processes are frozen: the state after kill -9 of all at once.

        The dispatcher stays frozen afterwards.
        """
        pids = set(self.children())
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        shutil.copytree(self.data_dir, folder)
        for pid in pids - {self.pid(DISPATCHER)}:
            os.kill(pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stops it with Ctrl-C; the dispatcher stays frozen until the gateway ends."""
        gateway, dispatcher = (self.pid(name) for name in (API, DISPATCHER))
        self.launcher.send_signal(signal.SIGINT)
        while gateway in self.children():
            time.sleep(0.01)
        os.kill(dispatcher, signal.SIGCONT)
        assert self.launcher.wait(60) == 0, self.log.read_text()

    def kill(self) -> None:
        """Kills all its processes."""
        for pid in [self.launcher.pid, *self.children()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.launcher.wait()
