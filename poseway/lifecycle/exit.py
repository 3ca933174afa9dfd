"""Ending a process that is done."""

import os
import sys
from typing import NoReturn


def leave() -> NoReturn:
    """Ends the process, once everything is done.

    Python's own way out waits for every thread that anybody has begun: for storage that is silent,
    and for TensorFlow, which takes seconds on a busy machine and once in a while does not end.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)
