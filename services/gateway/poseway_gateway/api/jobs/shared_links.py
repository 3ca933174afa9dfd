"""Links that show one job to whoever has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from poseway.jobs import JobRequest


@dataclass(frozen=True, slots=True)
class Share:
    """A link's token, taken apart and found to be ours.

    Attributes:
        token: As it is in the link.
        job_id: The job that it shows.
        owner: Whose job that is.
        expires: Seconds since 1970 at which it ends.
    """

    token: str
    job_id: str
    owner: str
    expires: int


class SharedRequest(JobRequest):
    """What was asked of a job, for somebody who follows a link to it."""

    share: str


def with_share(request: JobRequest, links: Mapping[str, str]) -> dict[str, str]:
    """Links to parts of a job; for somebody who follows a link, with its token in each."""
    if not isinstance(request, SharedRequest):
        return dict(links)
    query = urlencode({"share": request.share})
    return {name: f"{link}{'&' if '?' in link else '?'}{query}" for name, link in links.items()}
