"""Messages from a child to its parent.

The parent sends ``(method, arguments)`` to call a method and bare values as replies.
"""

from enum import Enum
from typing import Final

SHORT_OF_MEMORY: Final = 70
"""Exit status of a child that ran out of memory and could not report it."""


class Kind(Enum):
    """Kind of a message from a child; its arguments follow."""

    SIZE = "size"
    """Requests the size of a file. Argument: its name."""
    READ = "read"
    """Requests bytes of a file. Arguments: its name, the position, the maximum number of bytes."""
    ASK = "ask"
    """Calls a function of the parent. Arguments: its name and a tuple of its arguments."""
    ALIVE = "alive"
    """Reports progress; needs no reply."""
    DONE = "done"
    """The method returned. Argument: its result."""
    RAISED = "raised"
    """The method raised. Argument: the error."""
