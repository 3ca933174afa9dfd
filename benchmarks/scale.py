"""``python -m benchmarks.scale``: a long video with 1, 2, 4 and 8 replicas, some added midway.

The system is real except for the slow part: the replicas of inference or of the renderer sleep for
each frame instead of computing, so that eight of them fit on one machine. The benchmark shows how
work is distributed, not how fast it is. The limit is the total time slept, divided by the number of
replicas.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.clips import make_long
from benchmarks.scale_replica import FIRST_WORK, FRAME_SECONDS
from poseway.client import Client
from poseway.errors import PosewayError
from poseway.jobs import JobState
from poseway.local.ports import HOST, free_ports, is_free
from poseway.local.stack import Stack
from poseway.local.supervisor import Process, Supervisor
from poseway.paths import ROOT
from tests.support.paths import python_path

SIZES: Final = (1, 2, 4, 8)
_PARTS: Final = ("inference", "renderer")
_SECONDS: Final = 0.2
_RESULT: Final = Path("build/bench-scale.json")


class Fleet:
    """A system whose dispatcher knows the addresses of more replicas than run."""

    def __init__(self, folder: Path, slow: str) -> None:
        """Starts everything except the replicas.

        Args:
            folder: Folder for all data.
            slow: The part that sleeps, inference or renderer.
        """
        self._folder = folder
        self._slow = slow
        ports = iter(free_ports(len(_PARTS) * max(SIZES) + 1))
        self._ports = {part: [next(ports) for _ in range(max(SIZES))] for part in _PARTS}
        addresses = {
            f"POSEWAY_{part.upper()}_ADDRESS": ",".join(f"{HOST}:{port}" for port in ports)
            for part, ports in self._ports.items()
        }
        self._stack = Stack(folder / "data", next(ports), addresses)
        self._stack.start()
        self._client = Client(self._stack.gateway_url)

    def close(self) -> None:
        """Stops the system."""
        self._client.close()
        self._stack.stop()

    @contextmanager
    def replicas(self, part: str, first: int, last: int) -> Iterator[list[Path]]:
        """Runs the replicas with these numbers for the block.

        Yields:
            One path per replica, of the file that it creates when its first work arrives.
        """
        supervisor = Supervisor(Path(tempfile.mkdtemp(dir=self._folder)))
        begun = [supervisor.log_dir / f"begun-{number}" for number in range(first, last)]
        processes = [
            self._process(part, self._ports[part][number], file)
            for number, file in zip(range(first, last), begun, strict=True)
        ]
        try:
            supervisor.start(processes)
            yield begun
        finally:
            supervisor.stop()

    def _process(self, part: str, port: int, begun: Path) -> Process:
        env = {
            **self._stack.env,
            "POSEWAY_PORT": str(port),
            "PYTHONPATH": python_path(ROOT),
            FRAME_SECONDS: str(_SECONDS if part == self._slow else 0),
            FIRST_WORK: str(begun),
        }
        return Process(
            f"{part}-{port}",
            [sys.executable, "-m", "benchmarks.scale_replica", part],
            env,
            lambda: not is_free(port),
            grace_seconds=30,
        )

    @contextmanager
    def job(self, video: Path) -> Iterator[str]:
        """Submits a job, which is removed after the block."""
        job = self._client.submit(video)
        try:
            yield job.id
        finally:
            self._client.delete(job.id)

    def done(self, job_id: str) -> float:
        """Waits for a job. Returns the time at which it ended."""
        *_, job = self._client.watch(job_id)
        if job.state is not JobState.SUCCEEDED:
            raise PosewayError(f"The job ended as {job.state}: {job.error}", "benchmark")
        return time.perf_counter()

    def frames(self, job_id: str) -> int:
        """Returns the number of processed frames of a job."""
        return self._client.job(job_id).progress.frames_done


def whole(fleet: Fleet, video: Path, size: int, slow: str) -> float:
    """Returns the seconds that this many replicas take, from the first byte of the upload."""
    other = _PARTS[slow == _PARTS[0]]
    with fleet.replicas(slow, 0, size), fleet.replicas(other, 0, size):
        began = time.perf_counter()
        with fleet.job(video) as job:
            return fleet.done(job) - began


def added(fleet: Fleet, video: Path, slow: str) -> list[float]:
    """Returns the seconds until each of three replicas added midway got its first work."""
    with contextlib.ExitStack() as running:
        for part in _PARTS:
            running.enter_context(fleet.replicas(part, 0, 1))
        job = running.enter_context(fleet.job(video))
        while fleet.frames(job) < 300:
            time.sleep(0.5)
        began = time.time()
        files = running.enter_context(fleet.replicas(slow, 1, 4))
        while not all(file.exists() for file in files):
            time.sleep(0.05)
        return [file.stat().st_mtime - began for file in files]


def main() -> None:
    """Measures, prints tables and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=2400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, choices=SIZES, nargs="*", default=list(SIZES))
    parser.add_argument("--slow", choices=_PARTS, nargs="*", default=list(_PARTS))
    args = parser.parse_args()
    console = Console()
    figures = {}
    for slow in args.slow:
        with tempfile.TemporaryDirectory() as folder:
            fleet = Fleet(Path(folder), slow)
            try:
                figures[slow] = measure(fleet, args, slow, console)
            finally:
                fleet.close()
    _RESULT.parent.mkdir(parents=True, exist_ok=True)
    _RESULT.write_text(json.dumps(figures, indent=2) + "\n")


def measure(
    fleet: Fleet, args: argparse.Namespace, slow: str, console: Console
) -> dict[str, dict[int, list[float]] | list[float]]:
    """Returns all figures of one part, and prints each as it is measured."""
    video = make_long(args.frames)
    seconds: dict[int, list[float]] = {size: [] for size in args.sizes}
    for number in range(args.rounds):
        for size in args.sizes:
            seconds[size].append(round(whole(fleet, video, size, slow), 2))
            load = os.getloadavg()[0]
            console.print(f"{slow} {number} x{size}: {seconds[size][-1]} s, load {load:.1f}")
    console.print(_table(slow, seconds, args.frames * _SECONDS))
    waits = sorted(round(wait, 2) for wait in added(fleet, video, slow))
    console.print(f"{slow}: three replicas added, first work after {waits} s")
    return {"seconds": seconds, "added": waits}


def _table(slow: str, seconds: dict[int, list[float]], slept: float) -> Table:
    table = Table("replicas", "seconds", "of the limit", "each", title=f"{slow} sleeps {slept} s")
    for size, found in seconds.items():
        median = statistics.median(found)
        ratio = slept / (size * median)
        table.add_row(str(size), f"{median:.1f}", f"{ratio:.2f}", str(found))
    return table


if __name__ == "__main__":
    main()
