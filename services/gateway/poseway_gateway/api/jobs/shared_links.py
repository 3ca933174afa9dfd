"""Links of a job that is seen through a share link: each carries the share's token."""

from collections.abc import Mapping
from urllib.parse import urlencode

from poseway.jobs import JobRequest


class SharedRequest(JobRequest):
    """The request of a job, as a caller with a share link sees it.

    Attributes:
        share: Token of the share link.
    """

    share: str


def with_share(request: JobRequest, links: Mapping[str, str]) -> dict[str, str]:
    """Returns links to parts of a job, with the share's token if the job is seen through one."""
    if not isinstance(request, SharedRequest):
        return dict(links)
    query = urlencode({"share": request.share})
    return {name: f"{link}{'&' if '?' in link else '?'}{query}" for name, link in links.items()}
