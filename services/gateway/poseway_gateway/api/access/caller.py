"""Who calls."""

from dataclasses import dataclass, field

from poseway.api_keys import ApiKey
from poseway.jobs import JobRequest
from poseway_gateway.api.access.quotas import Quotas
from poseway_gateway.api.access.tokens import Share

GUEST = "guest"
"""Owner of nothing: who follows a link to one job."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        owner: Id of the API key; empty where there are no keys, and everything is everybody's.
        key: The API key; None where there are no keys, and for who follows a link.
        share: The link that the caller follows, if so.
    """

    owner: str = ""
    key: ApiKey | None = None
    share: Share | None = None
    usage: Quotas | None = field(default=None, repr=False)

    def may_see(self, request: JobRequest) -> bool:
        """Whether a job is the caller's own, or the one that was shared with them."""
        if self.share is not None:
            return (request.id, request.owner) == (self.share.job_id, self.share.owner)
        return not self.owner or request.owner == self.owner

    async def expect(self, size: int) -> None:
        """Says early that a job will not be taken: `charge` without counting anything."""
        if self.key is not None and self.usage is not None:
            await self.usage.expect(self.key, size)

    async def charge(self, size: int) -> None:
        """Counts a job against what the key may ask for in a day.

        Args:
            size: Bytes that were uploaded with it.

        Raises:
            AccessError: It is more than the key may (``quota_exceeded``); nothing was counted.
        """
        if self.key is not None and self.usage is not None:
            await self.usage.charge(self.key, size)

    async def refund(self, size: int) -> None:
        """Takes back a `charge` whose job came to nothing."""
        if self.key is not None and self.usage is not None:
            await self.usage.refund(self.key, size)
