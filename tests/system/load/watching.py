"""Measurements of the system under load."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

from poseway.local.stack import Stack
from tests.support.processes import PARTS, resident

PROBE_PAUSE_SECONDS = 0.25
SAMPLE_PAUSE_SECONDS = 0.5

Times = dict[str, list[float]]
"""Durations of requests in seconds, by kind of request."""


@contextmanager
def repeated(act: Callable[[], None], pause: float) -> Iterator[None]:
    """Repeats an action while the block runs."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(pause):
            act()

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def probed(http: httpx.Client) -> Iterator[Times]:
    """Requests what the page requests while the block runs: itself, the list and a job."""
    times: Times = defaultdict(list)

    def ask(what: str, path: str) -> httpx.Response:
        began = time.perf_counter()
        answer = http.get(path).raise_for_status()
        times[what].append(time.perf_counter() - began)
        return answer

    def look() -> None:
        ask("page", "/")
        for job in ask("list", "/v1/jobs?limit=50").json()["jobs"][:1]:
            ask("job", f"/v1/jobs/{job['id']}")

    with repeated(look, PROBE_PAUSE_SECONDS):
        yield times


class Held:
    """Repeated samples of the resources of a system's processes."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.pids = {part: stack.pid(part) for part in PARTS}
        self.megabytes: dict[str, list[int]] = defaultdict(list)
        self.files: dict[str, list[int]] = defaultdict(list)

    def look(self) -> None:
        """Takes a sample."""
        for part, pid in self.pids.items():
            self.megabytes[part].append(resident(pid))
            self.files[part].append(len(list(Path(f"/proc/{pid}/fd").iterdir())))

    def replaced(self) -> list[str]:
        """The parts that were restarted."""
        return [part for part, pid in self.pids.items() if self._stack.pid(part) != pid]


@contextmanager
def held(stack: Stack) -> Iterator[Held]:
    """Samples the processes' resources while the block runs."""
    seen = Held(stack)
    with repeated(seen.look, SAMPLE_PAUSE_SECONDS):
        yield seen


def quarters(values: list[int]) -> tuple[float, float]:
    """Medians of the second and the last quarter; caches fill during the first."""
    quarter = len(values) // 4
    return median(values[quarter : 2 * quarter]), median(values[-quarter:])
