"""How often one key may ask: counted in memory, for each gateway by itself."""

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
            refused = limit_reached(
                f"That was more than {item.amount} requests in a minute. Wait and go on.",
                "rate_limited",
                seconds,
            )
            refused.headers |= headers
            raise refused
        return headers


class GuessLimiter:
    """Counts keys that are none, by who sends them: each has to be looked for in the bucket."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def count(self, client: HTTPConnection) -> None:
        """Counts one."""
        await self._limiter.hit(_GUESSES, _network(client))

    async def refuse(self, client: HTTPConnection) -> None:
        """Refuses who has sent too many.

        Raises:
            AccessError: There were too many (``rate_limited``).
        """
        network = _network(client)
        if not await self._limiter.test(_GUESSES, network):
            stats = await self._limiter.get_window_stats(_GUESSES, network)
            raise limit_reached(
                f"More than {_GUESSES.amount} unknown API keys came from your address in a minute. "
                "Wait, and see to it that all programs there have a key that counts.",
                "rate_limited",
                stats.reset_time - time.time(),
            )


def _network(client: HTTPConnection) -> str:
    """Where a client is; who has one IPv6 address has 2**64 of them."""
    host = client.client.host if client.client else ""
    try:
        return str(IPv6Network(f"{host.partition('%')[0]}/64", strict=False))
    except ValueError:
        return host


def _counted(caller: Caller) -> tuple[str, Limits | None]:
    """Under what name and limits a caller's requests are counted."""
    if caller.share is not None:
        # By itself, so that many who follow a link do not use up what its owner may ask for.
        return f"share {caller.share.job_id}", Limits()
    return (caller.key.id, caller.key.limits) if caller.key else ("", None)
