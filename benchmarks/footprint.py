"""``python -m benchmarks.footprint``: resources of an idle system, and storage per minute of video.

For sizing: CPU and memory of every process of an idle system; bytes in the bucket before, during
and after the processing of a 720p clip; and traffic between the processes, measured on the loopback
interface, so nothing else may run on the machine.
"""

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.clips import clip
from poseway.client import Client
from poseway.jobs import JobState
from poseway.local.stack import Stack
from tests.support.processes import PARTS, cpu_seconds, megabytes

_RESULT: Final = Path("build/footprint.json")
_CLIP_SECONDS: Final = 40
_SETTLE_SECONDS: Final = 30
_PER_MINUTE: Final = 60 / _CLIP_SECONDS / 1e6


def idle(stack: Stack, seconds: float) -> dict[str, dict[str, float]]:
    """Returns CPU milliseconds per second and megabytes of each process of an idle system."""
    before = {part: cpu_seconds(stack.pid(part)) for part in PARTS}
    began = time.perf_counter()
    time.sleep(seconds)
    took = time.perf_counter() - began
    return {
        part: {
            "cpu_ms_per_second": 1000 * (cpu_seconds(stack.pid(part)) - before[part]) / took,
            "megabytes": megabytes(stack.pid(part)),
        }
        for part in PARTS
    }


def carried() -> int:
    """Returns the bytes that the loopback interface has carried."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.split()[0] == "lo:")


class Watch(threading.Thread):
    """Records the peak use of the bucket and of memory, in a thread.

    Attributes:
        most: Peak number of bytes in the bucket.
        memory: Peak megabytes of each part.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self._stack = stack
        self._over = threading.Event()
        self.most = 0
        self.memory = dict.fromkeys(PARTS, 0)

    def size(self) -> int:
        """Returns the bytes currently in the bucket."""
        return sum(item.size for item in self._stack.store.walk(""))

    def run(self) -> None:
        """Samples every second until `stop`."""
        while not self._over.wait(1):
            self.most = max(self.most, self.size())
            for part in PARTS:
                self.memory[part] = max(self.memory[part], megabytes(self._stack.pid(part)))

    def stop(self) -> None:
        """Stops the thread."""
        self._over.set()
        self.join()


def one_clip(stack: Stack) -> tuple[dict[str, float], dict[str, int]]:
    """Processes a 720p clip. Returns megabytes per minute of it, and peak megabytes of each part.

    Megabytes per minute are those stored at the peak and at the end, and those transferred.
    """
    path = clip("720p", _CLIP_SECONDS)
    watch = Watch(stack)
    before, carried_before = watch.size(), carried()
    watch.start()
    try:
        with Client(stack.gateway_url) as client:
            job = client.wait(client.submit(path).id)
    finally:
        watch.stop()
    if job.state is not JobState.SUCCEEDED:
        raise SystemExit(f"The job ended as {job.state}: {job.error}")
    minute = {
        "upload": path.stat().st_size * _PER_MINUTE,
        "most": (watch.most - before) * _PER_MINUTE,
        "result": (watch.size() - before) * _PER_MINUTE,
        "carried": (carried() - carried_before) * _PER_MINUTE,
    }
    return minute, watch.memory


def main() -> None:
    """Measures, prints tables and writes them as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--seconds", type=float, default=150, help="how long an idle system is measured"
    )
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as data, Stack(Path(data)) as stack:
        time.sleep(_SETTLE_SECONDS)
        fresh = idle(stack, seconds)
        minute, most = one_clip(stack)
        time.sleep(_SETTLE_SECONDS)
        after = idle(stack, seconds)
    console = Console()
    table = Table("", "idle, CPU ms/s", "MB", "peak MB", "idle again, CPU ms/s", "MB")
    for part in PARTS:
        was, now = fresh[part], after[part]
        numbers = (*was.values(), most[part], *now.values())
        table.add_row(part, *(f"{number:.1f}" for number in numbers))
    console.print(table)
    console.print(
        "MB per minute of video:", {what: round(size, 1) for what, size in minute.items()}
    )
    record = {"fresh": fresh, "most": most, "after": after, "minute": minute}
    _RESULT.parent.mkdir(exist_ok=True)
    _RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
