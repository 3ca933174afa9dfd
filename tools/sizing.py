"""How large a cluster has to be: measured costs times the video hours of a day.

The cost of a frame is read from ``docs/performance.md``. What a minute of video stores and sends,
and what an idle system takes, is read from ``docs/footprint.json``, a copy of
``build/footprint.json`` that `benchmarks.footprint` writes.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from poseway.paths import ROOT

_DOCS: Final = ROOT / "docs"

RATE: Final = 30
"""Frames per second of the videos."""
BURST: Final = 3.0
"""Load of the busiest hour, relative to the average hour."""
UTILISATION: Final = 0.7
"""Fraction of each core that is planned for; the rest absorbs uneven load."""
HOURS: Final = (1, 10, 100, 1_000, 10_000)
"""Hours of video per day."""
CORES: Final = {"api": 1, "dispatcher": 1, "inference": 2, "tracker": 1, "renderer": 1}
"""Cores per replica in the tables. The manifests must allow each pod at least as many."""
_OTHERS: Final = ("object-storage", "queue")


@dataclass(frozen=True)
class Measured:
    """Measured costs.

    Attributes:
        cpu_ms: CPU milliseconds per 720p frame in each process.
        megabytes: Memory of each service's process during a long video.
        minute: Megabytes per minute of 720p video: `upload`, `result`, `most` (peak), `carried`.
        idle: CPU milliseconds per second and megabytes of each idle process.
    """

    cpu_ms: dict[str, float]
    megabytes: dict[str, float]
    minute: dict[str, float]
    idle: dict[str, dict[str, float]]


def measured() -> Measured:
    """Reads the measured costs.

    Raises:
        ValueError: ``performance.md`` lacks a table.
    """
    page = (_DOCS / "performance.md").read_text()
    row = re.search(r"\*\*720p\*\*.*?\| the stack \|[^:]*: ([^|]*) \|", page, re.DOTALL)
    memory = re.search(r"\| process \| first quarter \|.*?\n\n", page, re.DOTALL)
    if row is None or memory is None:
        raise ValueError("performance.md lacks the measurements that sizes are based on.")
    cpu = {name: float(ms) for name, ms in re.findall(r"([a-z-]+) ([\d.]+)", row[1])}
    last = re.findall(r"\| ([a-z ]+) \| \d+ \| (\d+) \|", memory[0])
    footprint: dict[str, Any] = json.loads((_DOCS / "footprint.json").read_text())
    return Measured(
        cpu,
        {name: float(megabytes) for name, megabytes in last},
        footprint["minute"],
        footprint["after"],
    )


def frames_per_second(hours: float) -> float:
    """Returns the frames per second in the busiest hour."""
    return hours * 3600 * RATE * BURST / 86400


def cores(hours: float, cpu_ms: float) -> float:
    """Returns the cores needed in the busiest hour, reserve included."""
    return frames_per_second(hours) * cpu_ms / 1000 / UTILISATION


def replicas(hours: float, service: str, known: Measured) -> int:
    """Returns the replicas of a service needed in the busiest hour."""
    return max(1, math.ceil(cores(hours, known.cpu_ms[service]) / CORES[service]))


def by_service(known: Measured) -> list[list[str]]:
    """Returns rows of video hours per day, frames per second, replicas, cores and memory."""
    rows = []
    for hours in HOURS:
        counts = {service: replicas(hours, service, known) for service in CORES}
        busy = sum(cores(hours, ms) for ms in known.cpu_ms.values())
        gigabytes = sum(known.megabytes[name] * count for name, count in counts.items()) / 1000
        numbers = [frames_per_second(hours), *counts.values(), busy, gigabytes]
        rows.append([f"{hours:,}", *map(_rounded, numbers)])
    return rows


def by_bytes(known: Measured) -> list[list[str]]:
    """Returns rows of video hours, uploads and results per day, network and storage at peak."""
    rows = []
    for hours in HOURS:
        day = {what: hours * 60 * megabytes / 1000 for what, megabytes in known.minute.items()}
        megabits = day["carried"] * 1000 * 8 * BURST / 86400
        others = [cores(hours, known.cpu_ms[name]) for name in _OTHERS]
        numbers = [day["upload"], day["result"], 30 * day["result"], megabits, *others]
        rows.append([f"{hours:,}", *map(_rounded, numbers)])
    return rows


def at_idle(known: Measured) -> list[list[str]]:
    """Returns rows of process, CPU milliseconds per second, megabytes; the last is their sum."""
    rows = [
        [name, f"{taken['cpu_ms_per_second']:.1f}", f"{taken['megabytes']:.0f}"]
        for name, taken in known.idle.items()
    ]
    sums = [sum(taken[what] for taken in known.idle.values()) for what in known.idle["api"]]
    return [*rows, ["all", f"{sums[0]:.1f}", f"{sums[1]:.0f}"]]


def _rounded(number: float) -> str:
    """Formats a number with two significant digits, as precise as the measurements."""
    if isinstance(number, int):
        return f"{number:,}"
    digits = max(0, 1 - math.floor(math.log10(number)))
    return f"{round(number, 1 - math.floor(math.log10(number))):,.{digits}f}"


HEADS: Final = {
    "sizing": (
        "video hours per day",
        "frames/s at peak",
        *(f"{service} ({count} core{'s' * (count > 1)})" for service, count in CORES.items()),
        "cores busy",
        "memory (GB)",
    ),
    "sizing-bytes": (
        "video hours per day",
        "uploads per day (GB)",
        "results per day (GB)",
        "results of 30 days (GB)",
        "network at peak (Mbit/s)",
        *(f"cores of {name}" for name in _OTHERS),
    ),
    "sizing-idle": ("process", "CPU ms per second", "MB"),
}
ROWS: Final = {"sizing": by_service, "sizing-bytes": by_bytes, "sizing-idle": at_idle}
