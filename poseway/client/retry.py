"""How long a client goes on when the gateway is away or busy."""

import time
from typing import Final

import httpx

from poseway.client.http import problem, retry_after
from poseway.errors import UnavailableError

PATIENCE_SECONDS: Final = 60.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0


class Patience:
    """Waits out failures, up to a time, and only where that can help.

    A gateway that was never reached is not waited for: more likely the address is wrong.
    """

    def __init__(self, seconds: float = PATIENCE_SECONDS, *, reached: bool = False) -> None:
        """Begins; the clock runs from the first failure on.

        Args:
            seconds: How long it may take.
            reached: Whether the gateway has answered before.
        """
        self._seconds = seconds
        self._reached = reached
        self._since: float | None = None
        self._pause = _FIRST_PAUSE

    def success(self) -> None:
        """Something came of it, so the next failure is the first again."""
        self._reached = True
        self._since = None
        self._pause = _FIRST_PAUSE

    def lost(self, error: UnavailableError) -> float:
        """Seconds to wait after a connection failed; raises the error if that does not help."""
        if not self._reached and isinstance(error.__cause__, httpx.ConnectError):
            raise error
        return self._wait(error, None)

    def refused(self, answer: httpx.Response) -> float:
        """Seconds to wait after an answer that is no success; raises if that does not help."""
        self._reached = True
        error, wanted = problem(answer), retry_after(answer)
        if wanted is None and not isinstance(error, UnavailableError):
            raise error
        return self._wait(error, wanted)

    def _wait(self, error: Exception, wanted: float | None) -> float:
        # What is waited for may be quiet for hours, so only the failures are timed.
        self._since = self._since or time.monotonic()
        pause = self._pause if wanted is None else wanted
        if time.monotonic() - self._since + pause > self._seconds:
            raise error
        self._pause = min(_LONGEST_PAUSE, self._pause * 1.6)
        return pause
