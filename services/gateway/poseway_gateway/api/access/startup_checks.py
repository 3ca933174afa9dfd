"""Checks of the access settings before the gateway listens."""

import os
import sys

import structlog

from poseway.api_keys import ApiKeys, keys_needed
from poseway.errors import PosewayError
from poseway.storage import ObjectStore
from poseway_gateway.api.settings import ApiSettings

log = structlog.get_logger(__name__)


def warn_of_proxies(settings: ApiSettings) -> None:
    """Warns about FORWARDED_ALLOW_IPS, the setting of uvicorn that older versions read."""
    named = os.environ.get("FORWARDED_ALLOW_IPS")
    if named and not settings.trusted_proxies:
        log.warning(
            "FORWARDED_ALLOW_IPS is ignored: all clients behind a proxy count as one address. Set "
            "POSEWAY_TRUSTED_PROXIES instead.",
            named=named,
        )


def check(settings: ApiSettings) -> None:
    """Ends the process if callers need keys but none exists, since no request could succeed.

    Raises:
        SystemExit: Keys are needed and none exists; the message says what to do.
    """
    if not settings.keys_needed:
        if keys_needed("auto", settings.host):
            log.warning(
                "no API keys required: every client that reaches this address has full access",
                host=settings.host,
            )
        return
    if settings.first_key is not None:
        return
    try:
        if ApiKeys(ObjectStore(settings)).valid():
            return
    except PosewayError as error:
        # No reason to exit: without object storage, no request is authenticated anyway.
        log.warning("API keys not readable", error=error.message)
        return
    sys.exit(
        f"POSEWAY_HOST is {settings.host} and POSEWAY_AUTH is {settings.auth}, so callers need an "
        "API key, and none exists yet. Create one with "
        "`python -m poseway_gateway.admin.keys create NAME` and this environment, or set "
        "POSEWAY_FIRST_KEY. If every client that reaches this address may have full access, set "
        "POSEWAY_AUTH=off."
    )
