"""``python -m poseway.local.reaper``: stops processes whose launcher died without stopping them.

The launcher holds the other end of standard input. Every process that it starts first writes
``+PID`` of its group there, and the launcher writes ``-PID`` for each group that has ended. However
the launcher ends, even by kill -9, its end of the pipe closes. Then the reaper stops what is left.
A lock file that the launcher passes on stays locked until then, so that a successor does not start
beside the leftovers.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 5.0


def watch() -> set[int]:
    """Reads until the launcher is gone. Returns the process groups that are still running."""
    groups: set[int] = set()
    for line in sys.stdin:
        change, group = line[0], int(line[1:])
        if change == "+":
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def end(groups: set[int]) -> None:
    """Terminates process groups, and kills those that do not end in time."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, number)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(map(_alive, groups)):
            time.sleep(0.05)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    # The launcher handles Ctrl-C and the like.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end(watch())
