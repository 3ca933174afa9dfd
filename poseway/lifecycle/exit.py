"""Exiting without waiting for threads."""

import os
import sys
from typing import NoReturn


def leave() -> NoReturn:
    """Exits with status 0 after flushing the standard streams.

    A normal exit waits for every thread: for one blocked on silent storage, and for TensorFlow's,
    which take seconds on a busy machine and occasionally never end.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)
