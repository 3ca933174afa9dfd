"""Rate limits, counted in memory by each gateway separately."""

import time
from ipaddress import IPv6Network
from typing import Final

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.requests import HTTPConnection

from poseway.api_keys import Limits
from poseway_gateway.api.access.caller import Caller
from poseway_gateway.api.errors import limit_reached

_GUESSES: Final = RateLimitItemPerMinute(60)


class RateLimiter:
    """Limits requests per minute of each key and share link. For one event loop."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def hit(self, caller: Caller) -> dict[str, str]:
        """Counts a request.

        Returns:
            ``RateLimit-*`` headers for the response; empty without a limit.

        Raises:
            AccessError: The limit is reached (``rate_limited``).
        """
        name, limits = _bucket(caller)
        if limits is None or limits.requests_per_minute is None:
            return {}
        item = RateLimitItemPerMinute(limits.requests_per_minute)
        allowed = await self._limiter.hit(item, name)
        stats = await self._limiter.get_window_stats(item, name)
        seconds = max(0.0, stats.reset_time - time.time())
        headers = {
            "RateLimit-Limit": str(item.amount),
            "RateLimit-Remaining": str(stats.remaining),
            "RateLimit-Reset": str(round(seconds)),
        }
        if not allowed:
            refused = limit_reached(
                f"The limit is {item.amount} requests per minute. Wait, then continue.",
                "rate_limited",
                seconds,
            )
            refused.headers |= headers
            raise refused
        return headers


class GuessLimiter:
    """Limits unknown API keys per network, since each costs a request to the bucket."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def count(self, client: HTTPConnection) -> None:
        """Counts an unknown key."""
        await self._limiter.hit(_GUESSES, _network(client))

    async def refuse(self, client: HTTPConnection) -> None:
        """Rejects a client whose network has sent too many unknown keys.

        Raises:
            AccessError: The limit is reached (``rate_limited``).
        """
        network = _network(client)
        if not await self._limiter.test(_GUESSES, network):
            stats = await self._limiter.get_window_stats(_GUESSES, network)
            raise limit_reached(
                f"Your network sent more than {_GUESSES.amount} unknown API keys in a minute. "
                "Wait, and check that all programs there use a valid key.",
                "rate_limited",
                stats.reset_time - time.time(),
            )


def _network(client: HTTPConnection) -> str:
    """Returns the network of a client: a host with one IPv6 address usually has a whole /64."""
    host = client.client.host if client.client else ""
    try:
        return str(IPv6Network(f"{host.partition('%')[0]}/64", strict=False))
    except ValueError:
        return host


def _bucket(caller: Caller) -> tuple[str, Limits | None]:
    """Returns the name under which a caller's requests are counted, and the limits."""
    if caller.share is not None:
        # Counted separately, so that users of a share link do not use up the limit of its owner.
        return f"share {caller.share.job_id}", Limits()
    return (caller.key.id, caller.key.limits) if caller.key else ("", None)
