"""Who calls."""

from dataclasses import dataclass

from poseway.jobs import JobRequest


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        owner: Id of the API key; empty where there are no keys, and everything is everybody's.
    """

    owner: str = ""

    def may_see(self, request: JobRequest) -> bool:
        """Whether a job is the caller's own."""
        return not self.owner or request.owner == self.owner
