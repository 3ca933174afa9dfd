"""Starts processes, restarts those that end, and stops all of them."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from poseway.local.errors import StackError

# A process announces itself to the reaper before it executes its program, because the launcher
# could be killed before announcing it. The process leads a group of its own.
_ANNOUNCED: Final = ["/bin/sh", "-c", 'echo "+$$" >&0 && exec "$@" </dev/null', "announced"]


def find_program(name: str) -> Path | None:
    """Returns a program installed beside this Python or found on the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    return None if found is None else Path(found)


@dataclass
class Process:
    """A process to run.

    Attributes:
        name: Name of its log file, also used in messages.
        command: Program and arguments.
        env: Environment variables on top of this process's.
        ready: Readiness probe, called until it returns True.
        grace_seconds: Time to end after SIGTERM before it is killed.
        running: The running process, once started.
        kept: Whether it is restarted when it ends.
    """

    name: str
    command: list[str]
    env: dict[str, str]
    ready: Callable[[], bool]
    grace_seconds: float = 10.0
    running: subprocess.Popen[bytes] | None = None
    kept: bool = False


class Supervisor:
    """Runs processes and restarts those that end unexpectedly.

    None of them outlives this process, however it ends; see `poseway.local.reaper`.
    """

    def __init__(self, log_dir: Path, keep_open: tuple[int, ...] = ()) -> None:
        """Starts without processes.

        Args:
            log_dir: Folder for the output of the processes, one file each.
            keep_open: File descriptors that stay open until all processes have ended.
        """
        self.log_dir = log_dir
        self._processes: list[Process] = []
        self._stopping = threading.Event()
        log_dir.mkdir(parents=True, exist_ok=True)
        self._reaper = subprocess.Popen(
            [sys.executable, "-m", "poseway.local.reaper"],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=keep_open,
        )
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def start(self, processes: list[Process], seconds: float = 120) -> None:
        """Starts processes in parallel and waits until all are ready.

        Args:
            processes: Processes to start.
            seconds: Time limit for all to become ready.

        Raises:
            StackError: A process ended or was not ready in time. The message ends with its log.
        """
        for process in processes:
            self._spawn(process)
            self._processes.append(process)
        deadline = time.monotonic() + seconds
        for process in processes:
            while not self._is_up(process):
                if time.monotonic() > deadline:
                    raise StackError(
                        f"{process.name} was not ready within {seconds:.0f} s:\n"
                        f"{self._tail(process)}"
                    )
                time.sleep(0.05)
            process.kept = True

    def pid(self, name: str) -> int:
        """Returns the process id of a process.

        Raises:
            StackError: The process is not running.
        """
        for process in self._processes:
            if process.name == name and process.running is not None:
                return process.running.pid
        raise StackError(f"{name} is not running.")

    def stop(self) -> None:
        """Stops all processes, the last started first. Safe to repeat."""
        self._stopping.set()
        self._keeper.join()
        for process in reversed(self._processes):
            self._end(process)
        if self._reaper.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._reaper.stdin.close()
        self._reaper.wait()

    def _is_up(self, process: Process) -> bool:
        ready = process.ready()
        # Checked after the probe: if the process has ended, another one on its port responded.
        if process.running is None or process.running.poll() is not None:
            raise StackError(f"{process.name} exited during start-up:\n{self._tail(process)}")
        return ready

    def _spawn(self, process: Process) -> None:
        with (self.log_dir / f"{process.name}.log").open("ab") as log:
            process.running = subprocess.Popen(  # noqa: S603 # our own commands
                [*_ANNOUNCED, *process.command],
                env={**os.environ, **process.env},
                stdin=self._reaper.stdin,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _end(self, process: Process) -> None:
        running = process.running
        if running is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(process.grace_seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        self._forget_group(running.pid)

    def _keep(self) -> None:
        """Restarts processes that ended unexpectedly, each time after a longer pause."""
        pauses: dict[str, float] = {}
        due: dict[str, float] = {}
        while not self._stopping.wait(0.1):
            for process in list(self._processes):
                if not process.kept or process.running is None or process.running.poll() is None:
                    continue
                name = process.name
                if name not in due:
                    self._forget_group(process.running.pid)
                    pauses[name] = min(30.0, pauses.get(name, 0.25) * 2)
                    due[name] = time.monotonic() + pauses[name]
                elif time.monotonic() > due[name]:
                    del due[name]
                    self._spawn(process)

    def _forget_group(self, group: int) -> None:
        """Reports to the reaper that a process group has ended."""
        if self._reaper.stdin is not None:
            with contextlib.suppress(BrokenPipeError, ValueError):
                self._reaper.stdin.write(f"-{group}\n".encode())
                self._reaper.stdin.flush()

    def _tail(self, process: Process) -> str:
        text = (self.log_dir / f"{process.name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-15:])
