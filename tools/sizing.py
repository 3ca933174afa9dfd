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
"""Frames a second of the videos."""
BURST: Final = 3.0
"""The busiest hour, beside an average one."""
UTILISATION: Final = 0.7
"""Part of a core that is planned with; the rest is for what comes unevenly."""
HOURS: Final = (1, 10, 100, 1_000, 10_000)
"""Video hours a day."""
CORES: Final = {"api": 1, "dispatcher": 1, "inference": 2, "tracker": 1, "renderer": 1}
"""Cores of a replica that the tables plan with; a pod of the manifests may take no fewer."""
_OTHERS: Final = ("object-storage", "queue")


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        cpu_ms: CPU milliseconds that a 720p frame costs in each process.
        megabytes: Memory of each service's process, over a long video.
        minute: Megabytes of a minute of 720p video: `upload`, `result`, `most`, `carried`.
        idle: CPU milliseconds a second and megabytes of each process while nothing is to do.
    """

    cpu_ms: dict[str, float]
    megabytes: dict[str, float]
    minute: dict[str, float]
    idle: dict[str, dict[str, float]]


def measured() -> Measured:
    """Reads what was measured."""
    page = (_DOCS / "performance.md").read_text()
    row = re.search(r"\*\*720p\*\*.*?\| the stack \|[^:]*: ([^|]*) \|", page, re.DOTALL)
    memory = re.search(r"\| process \| first quarter \|.*?\n\n", page, re.DOTALL)
    if row is None or memory is None:
        raise ValueError("performance.md has no longer what the sizes are made of.")
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
    """Frames a second in the busiest hour."""
    return hours * 3600 * RATE * BURST / 86400


def cores(hours: float, cpu_ms: float) -> float:
    """Cores that are kept busy in the busiest hour, with what is kept free."""
    return frames_per_second(hours) * cpu_ms / 1000 / UTILISATION


def replicas(hours: float, service: str, known: Measured) -> int:
    """Replicas of a service in the busiest hour."""
    return max(1, math.ceil(cores(hours, known.cpu_ms[service]) / CORES[service]))


def by_service(known: Measured) -> list[list[str]]:
    """Rows: video hours a day, frames a second, replicas of each service, cores, memory."""
    rows = []
    for hours in HOURS:
        counts = {service: replicas(hours, service, known) for service in CORES}
        busy = sum(cores(hours, ms) for ms in known.cpu_ms.values())
        gigabytes = sum(known.megabytes[name] * count for name, count in counts.items()) / 1000
        numbers = [frames_per_second(hours), *counts.values(), busy, gigabytes]
        rows.append([f"{hours:,}", *map(_rounded, numbers)])
    return rows


def by_bytes(known: Measured) -> list[list[str]]:
    """Rows: video hours a day, uploads and results a day, network and storage's cores at peak."""
    rows = []
    for hours in HOURS:
        day = {what: hours * 60 * megabytes / 1000 for what, megabytes in known.minute.items()}
        megabits = day["carried"] * 1000 * 8 * BURST / 86400
        others = [cores(hours, known.cpu_ms[name]) for name in _OTHERS]
        numbers = [day["upload"], day["result"], 30 * day["result"], megabits, *others]
        rows.append([f"{hours:,}", *map(_rounded, numbers)])
    return rows


def at_idle(known: Measured) -> list[list[str]]:
    """Rows: process, CPU milliseconds a second, megabytes; and all together."""
    rows = [
        [name, f"{taken['cpu_ms_per_second']:.1f}", f"{taken['megabytes']:.0f}"]
        for name, taken in known.idle.items()
    ]
    sums = [sum(taken[what] for taken in known.idle.values()) for what in known.idle["api"]]
    return [*rows, ["all", f"{sums[0]:.1f}", f"{sums[1]:.0f}"]]


def _rounded(number: float) -> str:
    """Two digits that say something, and never more than was measured."""
    if isinstance(number, int):
        return f"{number:,}"
    digits = max(0, 1 - math.floor(math.log10(number)))
    return f"{round(number, 1 - math.floor(math.log10(number))):,.{digits}f}"


HEADS: Final = {
    "sizing": (
        "video hours a day",
        "frames/s at peak",
        *(f"{service} ({count} core{'s' * (count > 1)})" for service, count in CORES.items()),
        "cores busy",
        "memory (GB)",
    ),
    "sizing-bytes": (
        "video hours a day",
        "uploads a day (GB)",
        "results a day (GB)",
        "results of 30 days (GB)",
        "network at peak (Mbit/s)",
        *(f"cores of {name}" for name in _OTHERS),
    ),
    "sizing-idle": ("process", "CPU ms a second", "MB"),
}
ROWS: Final = {"sizing": by_service, "sizing-bytes": by_bytes, "sizing-idle": at_idle}
