"""Restricts the API to pages of its own origin and of origins listed in the settings."""

import ipaddress
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from poseway_gateway.api.errors import AccessError
from poseway_gateway.api.web.problems import problem

SAFE_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_REQUEST_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
)
_RESPONSE_HEADERS: Final = (
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
)


class _Cors(CORSMiddleware):
    """Rejects preflight requests with problem details."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answers a preflight request."""
        answer = super().preflight_response(request_headers)
        if answer.status_code == HTTPStatus.OK:
            return answer
        return problem(
            HTTPStatus.FORBIDDEN,
            "A page of that origin may not send this request.",
            "cross_site",
            {"Vary": "Origin"},
        )


def add_cors(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Allows pages of these origins to use the API; adds nothing without any."""
    if origins:
        app.add_middleware(
            _Cors,
            allow_origins=origins,
            allow_credentials=True,
            allow_methods=["DELETE", "GET", "HEAD", "POST", "PUT"],
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_RESPONSE_HEADERS,
        )


def refuse_cross_site(method: str, headers: Headers, listed: tuple[str, ...]) -> None:
    """Rejects requests that a page of another site makes a browser send (CSRF).

    A browser adds cookies, and reaches this machine's loopback, on behalf of any page. A request
    with a key in a header does not come from a browser, or was permitted by CORS.

    Raises:
        AccessError: A page of another site sent the request (``cross_site``).
    """
    if method in SAFE_METHODS or "authorization" in headers:
        return
    origin = headers.get("origin")
    if origin in listed:
        return
    site = headers.get("sec-fetch-site")
    if site is not None:
        ours = site in ("same-origin", "none")
    else:
        # Older browsers, and plain HTTP. Only the host is compared: a proxy hides the scheme.
        ours = origin is None or _split(origin).netloc == headers.get("host")
    if not ours:
        raise AccessError(
            f"A page of another site, {origin or 'unnamed'}, may not send this request. The "
            "operator can allow it in POSEWAY_CORS_ORIGINS.",
            "cross_site",
        )


def refuse_foreign_host(headers: Headers) -> None:
    """Rejects host names other than this machine's.

    Without keys, the gateway trusts everything that reaches loopback. A page whose own name
    resolves to loopback (DNS rebinding) would appear to be of the gateway's origin.

    Raises:
        AccessError: The host name is not this machine's (``wrong_host``).
    """
    host = headers.get("host", "")
    parts = _split(f"//{host}")
    # Anything besides a name and a port, such as a@b or a/b, is not a host.
    plain = parts.netloc == host and "@" not in host
    if not plain or not is_loopback(parts.hostname or ""):
        raise AccessError(
            f"This gateway requires no API keys, so it accepts only host names of this machine, "
            f"not {host[:100]!r}. Use http://localhost, or set POSEWAY_AUTH to keys or off.",
            "wrong_host",
        )


def _split(url: str) -> SplitResult:
    """Splits a URL; all parts are empty if it is not valid."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def is_loopback(host: str) -> bool:
    """Returns whether a host name, without port, always refers to this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
