"""``python -m poseway.local.reaper``: ends processes whose launcher died without ending them.

The launcher holds the other end of standard input. Every process that it starts writes ``+PID`` of
its group there before anything else, and the launcher ``-PID`` of every one that ended. However the
launcher goes, kill -9 included, its end of the pipe closes; then whatever is left is ended from
here. A lock file that the launcher passes on stays locked until that is done, so a successor does
not start beside the leftovers.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 5.0


def watch() -> set[int]:
    """Reads until the launcher is gone; returns the process groups that it left behind."""
    groups: set[int] = set()
    for line in sys.stdin:
        change, group = line[0], int(line[1:])
        if change == "+":
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def end(groups: set[int]) -> None:
    """Asks process groups to end, and ends those that do not."""
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
    # Ctrl-C and the like are the launcher's business.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end(watch())
