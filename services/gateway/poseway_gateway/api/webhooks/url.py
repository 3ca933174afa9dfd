"""Validates webhook URLs."""

from typing import Final
from urllib.parse import urlsplit

from poseway.errors import InvalidRequestError

WEBHOOK_FIELD: Final = "webhook_url"
WEBHOOK_DESCRIPTION: Final = "URL (http or https) that receives a signed POST when the job ends."
_MAX_LENGTH: Final = 1000


def check_webhook(url: str | None) -> str | None:
    """Returns a webhook URL, or None if it is absent or empty.

    Raises:
        InvalidRequestError: The URL is not valid.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
    except ValueError:  # an invalid port or IPv6 address
        is_valid = False
    if not is_valid or len(url) > _MAX_LENGTH or not url.isprintable() or " " in url:
        raise InvalidRequestError(
            "webhook_url must be a URL such as https://example.org/poseway.",
            "invalid_webhook",
        )
    return url
