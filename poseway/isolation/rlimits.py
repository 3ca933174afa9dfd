"""Limits that the operating system enforces on a process, where it can."""

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
    """Limits the writable memory of this process, in bytes. Also disables core dumps."""
    _, most = resource.getrlimit(_LIMIT)
    if most != resource.RLIM_INFINITY:
        size = min(size, most)
    resource.setrlimit(_LIMIT, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with(line: Connection) -> None:
    """Makes the kernel kill this process when a pipe breaks, whatever the process is doing.

    Linux only; see F_SETSIG in fcntl(2). Elsewhere the process ends when it sends a message.

    Args:
        line: Read end of the pipe. Nothing is ever written to the other end.
    """
    if sys.platform != "linux":
        return
    fcntl.fcntl(line, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(line, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(line, fcntl.F_SETFL, fcntl.fcntl(line, fcntl.F_GETFL) | os.O_ASYNC)
    if line.poll():
        os.kill(os.getpid(), signal.SIGKILL)  # the pipe broke before


def is_short() -> bool:
    """Whether this process has used more than half of its memory limit."""
    limit, _ = resource.getrlimit(_LIMIT)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return 0 < limit < 2 * max(peak, _data_bytes())


def raise_if_short(error: Exception) -> None:
    """Re-raises a `MemoryError` if memory really is short.

    FFmpeg also reports a lack of memory for damaged files that claim to need absurd amounts.
    """
    limit, _ = resource.getrlimit(_LIMIT)
    if isinstance(error, MemoryError) and 0 < limit < 2 * _data_bytes():
        raise error


def _data_bytes() -> int:
    """Writable memory of this process in bytes; 0 if the system does not report it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[5])
    except OSError:
        return 0
    return pages * resource.getpagesize()
