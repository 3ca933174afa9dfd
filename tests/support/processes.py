"""What a process takes, with those that it began: uploads are decoded in processes of their own."""

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def family(process: int) -> list[int]:
    """A process, and all that it began and these began, as far as they run."""
    found = [process]
    try:
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    except OSError:
        pass  # it ended meanwhile
    return found


def cpu_seconds(process: int) -> float:
    """CPU time that a process and its family have spent so far, see proc(5).

    Each counts those that it began and that have ended.
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
    """Memory of a process, and what its family does not share with it, in MB of 10^6 bytes."""
    first, *others = family(process)
    size = _kilobytes(first, "Rss:") + sum(_kilobytes(each, "Private_") for each in others)
    return round(size * 1024 / 1e6)


def _kilobytes(process: int, what: str) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(what))
