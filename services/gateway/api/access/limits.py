"""How often one key may ask: counted in memory, for each gateway by itself."""

import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from poseway.apikeys import Limits
from services.gateway.api.access.caller import Caller
from services.gateway.api.access.errors import too_much


class RateLimiter:
    """Counts requests by minute. For one event loop."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def hit(self, caller: Caller) -> dict[str, str]:
        """Counts a request and returns what headers say about what is left.

        Raises:
            AccessError: There are none left (``rate_limited``).
        """
        who, limits = _counted(caller)
        if limits is None or limits.requests_per_minute is None:
            return {}
        item = RateLimitItemPerMinute(limits.requests_per_minute)
        allowed = await self._limiter.hit(item, who)
        stats = await self._limiter.get_window_stats(item, who)
        seconds = max(0.0, stats.reset_time - time.time())
        headers = {
            "RateLimit-Limit": str(item.amount),
            "RateLimit-Remaining": str(stats.remaining),
            "RateLimit-Reset": str(round(seconds)),
        }
        if not allowed:
            refused = too_much(
                f"That was more than {item.amount} requests in a minute. Wait and go on.",
                "rate_limited",
                seconds,
            )
            refused.headers |= headers
            raise refused
        return headers


def _counted(caller: Caller) -> tuple[str, Limits | None]:
    """Under what name and limits a caller's requests are counted."""
    if caller.share is not None:
        # By itself, so that many who follow a link do not use up what its owner may ask for.
        return f"share {caller.share.job_id}", Limits()
    return (caller.key.id, caller.key.limits) if caller.key else ("", None)
