"""Limits on open event streams, which take memory even while idle."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from poseway.errors import OverloadedError
from poseway_gateway.api.access.caller import Caller
from poseway_gateway.api.errors import limit_reached

_RETRY_SECONDS: Final = 10


class StreamLimits:
    """Limits the event streams of one gateway, and of each caller. For one event loop."""

    def __init__(self, total: int) -> None:
        """Begins without open streams.

        Args:
            total: Limit of open streams. Each key, and all share links to one job together, may
                open half of them. Callers without keys may open all.
        """
        self._total = total
        self._open: Counter[str] = Counter()

    @contextmanager
    def take(self, caller: Caller) -> Iterator[None]:
        """Counts a stream for the duration of the block.

        Raises:
            AccessError: The caller's limit is reached (``rate_limited``).
            OverloadedError: The gateway's limit is reached.
        """
        name = f"share {caller.share.job_id}" if caller.share else caller.owner
        if name and self._open[name] >= self._total // 2:
            raise limit_reached(
                f"You have {self._total // 2} open event streams, the maximum. Close some.",
                "rate_limited",
                _RETRY_SECONDS,
            )
        if self._open.total() >= self._total:
            raise OverloadedError("Too many event streams are open. Try again soon.")
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]
