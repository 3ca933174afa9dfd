"""How many event streams may be open: each is idle most of the time, and takes memory all of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from poseway.errors import OverloadedError
from poseway_gateway.api.access.caller import Caller
from poseway_gateway.api.errors import limit_reached

_AGAIN_SECONDS = 10


class StreamLimits:
    """Those of one gateway. For one event loop."""

    def __init__(self, total: int) -> None:
        """Begins with all of them free.

        Args:
            total: How many. A key, or all who follow links to one job, may have half of them; where
                there are no keys, everybody together all.
        """
        self._total = total
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, caller: Caller) -> Iterator[None]:
        """Takes one for as long as the block runs.

        Raises:
            AccessError: The caller has as many as one may have (``rate_limited``).
            OverloadedError: All are taken.
        """
        who = f"share {caller.share.job_id}" if caller.share else caller.owner
        if who and self._taken[who] >= self._total // 2:
            raise limit_reached(
                f"There are {self._total // 2} event streams of yours already. Close some.",
                "rate_limited",
                _AGAIN_SECONDS,
            )
        if self._taken.total() >= self._total:
            raise OverloadedError("Too many event streams are open. Try again soon.")
        self._taken[who] += 1
        try:
            yield
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]
