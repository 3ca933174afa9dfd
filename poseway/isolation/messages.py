"""What a guest says to its host; the host says ``(method, arguments)``, or the bare answer."""

from enum import Enum
from typing import Final

SHORT_OF_MEMORY: Final = 70
"""Status with which a guest ends that cannot even say so."""


class Kind(Enum):
    """What a message of a guest is; arguments follow."""

    SIZE = "size"
    """Asks for the size of a file: its name."""
    READ = "read"
    """Asks for bytes of a file: its name, the position, and how many at most."""
    ASK = "ask"
    """Asks for something else: its name, and what it takes."""
    ALIVE = "alive"
    """Needs no answer."""
    DONE = "done"
    """What the method returned."""
    RAISED = "raised"
    """What it raised."""
