"""The caller of a request."""

from dataclasses import dataclass, field

from poseway.api_keys import ApiKey
from poseway.jobs import JobRequest
from poseway_gateway.api.access.quotas import Quotas
from poseway_gateway.api.access.tokens import Share

GUEST = "guest"
"""Owner id of callers with a share link. They own nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request, and what the caller may do.

    Attributes:
        owner: Id of the API key; empty on a gateway that requires no keys, where every caller owns
            everything.
        key: The API key; None on a gateway that requires no keys, and for share links.
        share: The share link, if the request carries one.
        usage: Quotas of keys; None if the caller has no key.
    """

    owner: str = ""
    key: ApiKey | None = None
    share: Share | None = None
    usage: Quotas | None = field(default=None, repr=False)

    def may_see(self, request: JobRequest) -> bool:
        """Returns whether the caller owns a job, or has a share link to it."""
        if self.share is not None:
            return (request.id, request.owner) == (self.share.job_id, self.share.owner)
        return not self.owner or request.owner == self.owner

    async def expect(self, size: int) -> None:
        """Checks the quota without counting a job, so that an upload is rejected early.

        Args:
            size: Size of the upload in bytes.

        Raises:
            AccessError: The job would exceed the quota (``quota_exceeded``).
        """
        if self.key is not None and self.usage is not None:
            await self.usage.expect(self.key, size)

    async def charge(self, size: int) -> None:
        """Counts a job against the daily quota of the key.

        Args:
            size: Size of the upload in bytes.

        Raises:
            AccessError: The job exceeds the quota (``quota_exceeded``) and was not counted.
        """
        if self.key is not None and self.usage is not None:
            await self.usage.charge(self.key, size)

    async def refund(self, size: int) -> None:
        """Undoes `charge` for a job that was not created."""
        if self.key is not None and self.usage is not None:
            await self.usage.refund(self.key, size)
