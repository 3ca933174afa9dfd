"""Waiting for what takes a moment, or much longer on a busy machine."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import httpx

from poseway.errors import UnavailableError

LONG: Final = 120.0
"""Seconds that nothing a test waits for takes, even on a machine that is busy with other work."""

T = TypeVar("T")


def until(holds: Callable[[], object], seconds: float = LONG, *, pause: float = 0.05) -> None:
    """Waits until something holds, and fails if it does not in time.

    Args:
        holds: Is asked until it returns something true.
        seconds: How long to wait.
        pause: Seconds between two questions.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so within {seconds:.0f} s"
        time.sleep(pause)


def first_answer(ask: Callable[[], T], seconds: float = LONG) -> T:
    """Asks a server that a test has just started or disturbed, until it answers.

    Such a server may not listen yet, or break off a connection as it ends. Our client takes the
    first for a wrong address if it never reached the server, and gives up.

    Args:
        ask: The question. With httpx itself, it may reach the server more than once.
        seconds: How long to go on.

    Raises:
        UnavailableError: The server answers that it cannot do it.
    """
    answers: list[T] = []

    def answered() -> bool:
        try:
            answers.append(ask())
        except httpx.TransportError:
            return False
        except UnavailableError as error:
            if not isinstance(error.__cause__, httpx.ConnectError):
                raise
            return False
        return True

    until(answered, seconds, pause=0.2)
    return answers[0]
