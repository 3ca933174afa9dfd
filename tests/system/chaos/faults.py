"""Faults that a test injects into a running system."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from poseway.local.ports import free_ports
from poseway.local.probes import is_ready
from poseway.local.stack import Stack
from tests.support.processes import PARTS
from tests.support.waiting import until
from tests.system.chaos.proxy import Proxy

FULL_SECONDS: Final = 6.0


class Disturbed:
    """A system whose processes can be killed, connections cut and disk filled.

    Attributes:
        stack: The system.
        disk: Where object storage keeps its data, if that is a file system of its own.
    """

    def __init__(self, folder: Path, disk_bytes: int | None, env: dict[str, str]) -> None:
        """Starts it.

        Args:
            folder: Where everything is kept.
            env: Settings of the services.
            disk_bytes: Size of a file system for object storage; None, or where none can be
                mounted, leaves it on that of the folder.
        """
        self.disk = _mounted(folder / "s3", disk_bytes) if disk_bytes else None
        settings = {**env, "POSEWAY_SEGMENT_SECONDS": "0.5"}
        self.stack = Stack(folder, free_ports(1)[0], settings)
        urls = {"POSEWAY_S3_ENDPOINT": "http", "POSEWAY_NATS_URL": "nats"}
        self.proxies = {}
        for name, scheme in urls.items():
            proxy = Proxy(int(self.stack.env[name].rpartition(":")[2]))
            self.proxies[scheme] = proxy
            settings[name] = f"{scheme}://127.0.0.1:{proxy.port}"
        self.stack.start()

    def close(self) -> None:
        """Ends it."""
        self.stack.stop()
        for proxy in self.proxies.values():
            proxy.close()
        if self.disk:
            subprocess.run(["umount", "--lazy", str(self.disk)], check=True)

    def kill(self, *parts: str) -> None:
        """Kills processes as the kernel does when memory is exhausted."""
        pids = {part: self.stack.pid(part) for part in parts}
        for pid in pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: all(self.stack.pid(part) != pid for part, pid in pids.items()))

    def settle(self) -> None:
        """Waits until the gateway, object storage and the queue answer after a fault."""
        until(lambda: is_ready(self.stack.gateway_url))

    def freeze(self, part: str, seconds: float) -> None:
        """Freezes a process for some seconds; it then continues."""
        pid = self.stack.pid(part)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def fill(self, seconds: float) -> None:
        """Fills the disk of object storage for a while."""
        assert self.disk
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
        time.sleep(seconds)
        filler.unlink()


def _mounted(folder: Path, size: int) -> Path | None:
    if os.geteuid() or shutil.which("mount") is None:
        return None
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return None if subprocess.run(command, check=False, capture_output=True).returncode else folder


@dataclass(frozen=True)
class Fault:
    """A fault that is injected once.

    Attributes:
        name: Description for the table.
        do: Does it, and returns when it is over.
    """

    name: str
    do: Callable[[Disturbed], object]


def kills(parts: tuple[str, ...] = PARTS) -> Iterator[Fault]:
    """Each of the parts, killed."""
    for part in parts:
        yield Fault(f"kill -9 {part}", lambda system, part=part: system.kill(part))  # type: ignore[misc]


def freezes(seconds: float, parts: tuple[str, ...] = PARTS) -> Iterator[Fault]:
    """Each of the parts, frozen."""
    for part in parts:
        yield Fault(
            f"freeze {part} for {seconds:.0f} s",
            lambda system, part=part: system.freeze(part, seconds),  # type: ignore[misc]
        )


CUTS: Final = (
    Fault("cut connections to object storage", lambda system: system.proxies["http"].cut()),
    Fault("cut connections to the queue", lambda system: system.proxies["nats"].cut()),
)
FULL: Final = Fault(
    f"disk of object storage full for {FULL_SECONDS:.0f} s",
    lambda system: system.fill(FULL_SECONDS),
)
ALL_AT_ONCE: Final = Fault("kill -9 everything at once", lambda system: system.kill(*PARTS))


@contextmanager
def disturbed(
    folder: Path, disk_bytes: int | None = None, env: dict[str, str] | None = None
) -> Iterator[Disturbed]:
    """A system for the block."""
    system = Disturbed(folder, disk_bytes, env or {})
    try:
        yield system
    finally:
        system.close()
