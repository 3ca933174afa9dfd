"""How long a client retries if the gateway is unreachable or busy."""

import time
from typing import Final

import httpx

from poseway.client.http import problem, retry_after
from poseway.errors import UnavailableError

PATIENCE_SECONDS: Final = 60.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 5.0


class Patience:
    """Decides how long to wait before a retry, and when to give up.

    A gateway that has never responded is not retried: the address is more likely wrong.
    """

    def __init__(self, seconds: float = PATIENCE_SECONDS, *, reached: bool = False) -> None:
        """Starts; the time limit counts from the first failure.

        Args:
            seconds: Time limit.
            reached: Whether the gateway has responded before.
        """
        self._seconds = seconds
        self._reached = reached
        self._since: float | None = None
        self._pause = _FIRST_PAUSE

    def success(self) -> None:
        """Records progress: the next failure counts as the first."""
        self._reached = True
        self._since = None
        self._pause = _FIRST_PAUSE

    def lost(self, error: UnavailableError) -> float:
        """Returns seconds to wait after a lost connection; raises the error to give up."""
        if not self._reached and isinstance(error.__cause__, httpx.ConnectError):
            raise error
        return self._wait(error, None)

    def refused(self, answer: httpx.Response) -> float:
        """Returns seconds to wait after an error response; raises its error to give up."""
        self._reached = True
        error, wanted = problem(answer), retry_after(answer)
        if wanted is None and not isinstance(error, UnavailableError):
            raise error
        return self._wait(error, wanted)

    def _wait(self, error: Exception, wanted: float | None) -> float:
        # A job may be quiet for hours, so only the time since the first failure counts.
        self._since = self._since or time.monotonic()
        pause = self._pause if wanted is None else wanted
        if time.monotonic() - self._since + pause > self._seconds:
            raise error
        self._pause = min(_LONGEST_PAUSE, self._pause * 1.6)
        return pause
