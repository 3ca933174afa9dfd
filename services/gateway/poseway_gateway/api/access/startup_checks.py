"""What must be so before a gateway listens."""

import os
import sys

import structlog

from poseway.api_keys import ApiKeys, keys_needed
from poseway.errors import PosewayError
from poseway.storage import ObjectStore
from poseway_gateway.api.settings import ApiSettings

log = structlog.get_logger(__name__)


def warn_of_proxies(settings: ApiSettings) -> None:
    """Tells who named their proxies to uvicorn, as one once did, that this counts no longer."""
    named = os.environ.get("FORWARDED_ALLOW_IPS")
    if named and not settings.trusted_proxies:
        log.warning(
            "FORWARDED_ALLOW_IPS is not looked at any more: all who come through a proxy count as "
            "one address. Name your proxies in POSEWAY_TRUSTED_PROXIES instead.",
            named=named,
        )


def check(settings: ApiSettings) -> None:
    """Ends the process where keys are needed and there are none: nobody could use it.

    Raises:
        SystemExit: That is so; its message says what to do.
    """
    if not settings.keys_needed:
        if keys_needed("auto", settings.host):
            log.warning("no keys are asked for: all who reach this may do all", host=settings.host)
        return
    if settings.first_key is not None:
        return
    try:
        if ApiKeys(ObjectStore(settings)).valid():
            return
    except PosewayError as error:
        # Not a reason to stay away: without object storage nobody is let in anyway.
        log.warning("the keys cannot be read", error=error.message)
        return
    sys.exit(
        f"POSEWAY_HOST is {settings.host} and POSEWAY_AUTH {settings.auth}, so callers need an API "
        "key, and there is none yet. Make one with "
        "`python -m poseway_gateway.admin.keys create NAME` and this environment, or set "
        "POSEWAY_FIRST_KEY. If all who reach this address may do "
        "everything, say so with POSEWAY_AUTH=off."
    )
