"""The address that is told when a job ends."""

from typing import Final
from urllib.parse import urlsplit

from poseway.errors import InvalidRequestError

WEBHOOK_FIELD: Final = "webhook_url"
WEBHOOK_SAYS: Final = "An http(s) address that is told, by a signed POST, when the job ends."
_LONGEST: Final = 1000


def check_webhook(url: str | None) -> str | None:
    """The address, or None for none.

    Raises:
        InvalidRequestError: Nobody can be told there.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:  # a port or an IPv6 address that is none
        fits = False
    if not fits or len(url) > _LONGEST or not url.isprintable() or " " in url:
        raise InvalidRequestError(
            "webhook_url must be an address such as https://example.org/poseway.",
            "invalid_webhook",
        )
    return url
