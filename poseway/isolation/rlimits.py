"""What the system is to see to in a process: where it cannot, nobody does."""

import fcntl
import os
import resource
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

_LIMIT: Final = resource.RLIMIT_DATA


def limit_memory(size: int) -> None:
    """Limits the memory that this process can write to, in bytes; more is refused to it.

    A crash leaves no image of it on disk, either.
    """
    _, most = resource.getrlimit(_LIMIT)
    if most != resource.RLIM_INFINITY:
        size = min(size, most)
    resource.setrlimit(_LIMIT, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with(line: Connection) -> None:
    """Has the system end this process when a pipe breaks, whatever the process is doing.

    Args:
        line: The end to read from; nothing is ever written to the other, see fcntl(2), F_SETSIG.
    """
    if sys.platform != "linux":
        return  # it ends when it says something
    fcntl.fcntl(line, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(line, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(line, fcntl.F_SETFL, fcntl.fcntl(line, fcntl.F_GETFL) | os.O_ASYNC)
    if line.poll():
        os.kill(os.getpid(), signal.SIGKILL)  # it broke before


def is_short() -> bool:
    """Whether this process had more than half of the memory that it may have."""
    limit, _ = resource.getrlimit(_LIMIT)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return 0 < limit < 2 * max(peak, _data_bytes())


def raise_if_short(error: Exception) -> None:
    """Raises `error` on if it says that memory is wanting, and that is true.

    FFmpeg says so of damaged files, too, which claim to need more than there is anywhere.
    """
    limit, _ = resource.getrlimit(_LIMIT)
    if isinstance(error, MemoryError) and 0 < limit < 2 * _data_bytes():
        raise error


def _data_bytes() -> int:
    """Memory of this process that it can write to; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[5])
    except OSError:
        return 0
    return pages * resource.getpagesize()
