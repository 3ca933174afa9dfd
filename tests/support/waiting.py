"""Waiting for a condition, for as long as a busy machine may need."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import httpx

from poseway.errors import UnavailableError

LONG: Final = 120.0
"""Seconds; longer than anything that a test waits for, even on a busy machine."""

T = TypeVar("T")


def until(holds: Callable[[], object], seconds: float = LONG, *, pause: float = 0.05) -> None:
    """Waits until a condition holds, and fails after a time limit.

    Args:
        holds: The condition; called until it returns a true value.
        seconds: How long to wait.
        pause: Seconds between two calls.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not so within {seconds:.0f} s"
        time.sleep(pause)


def first_answer(ask: Callable[[], T], seconds: float = LONG) -> T:
    """Repeats a request to a server that has just started or is about to end, until it answers.

    Such a server may not listen yet, or may break a connection as it ends. The client takes a
    server that never answered for a wrong address, and gives up.

    Args:
        ask: Makes the request. With plain httpx it may reach the server more than once.
        seconds: How long to retry.

    Raises:
        UnavailableError: The server answered that it is unavailable.
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
