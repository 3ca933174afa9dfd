"""CPU time and memory of running processes, read from /proc.

A process is measured with its descendants, because uploads are decoded in child processes.
"""

import os
from pathlib import Path
from typing import Final

PARTS: Final = (
    "api",
    "dispatcher",
    "inference",
    "tracker",
    "renderer",
    "object-storage",
    "queue",
)
"""Processes of a local system, by the names that `poseway.local.stack.Stack` gives them."""

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def family(process: int) -> list[int]:
    """Returns a process and its running descendants, parents before children."""
    found = [process]
    try:
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    except OSError:
        pass  # the process has ended meanwhile
    return found


def cpu_seconds(process: int) -> float:
    """Returns the CPU time used so far by a process and its descendants, see proc(5).

    Each process includes the time of its children that have ended.
    """
    ticks = 0
    for member in family(process):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def megabytes(process: int) -> int:
    """Returns the memory of a process and the private memory of its descendants, in 10^6 bytes."""
    first, *others = family(process)
    size = _kilobytes(first, "Rss:") + sum(_kilobytes(each, "Private_") for each in others)
    return round(size * 1024 / 1e6)


def resident(process: int) -> int:
    """Returns the resident memory of one process in MiB."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE >> 20


def peak(process: int) -> float:
    """Returns the highest resident memory of one process since `reset_peak`, in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def reset_peak(process: int) -> None:
    """Resets the highest resident memory of a process to what it uses now."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def _kilobytes(process: int, what: str) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(what))
