"""Which pages may use the API: those of its own origin, and those that the settings list."""

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
_ASKED: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
)
_TOLD: Final = (
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
    """Refuses as everything here does."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answers a browser that asks before it sends what a page wants."""
        answer = super().preflight_response(request_headers)
        if answer.status_code == HTTPStatus.OK:
            return answer
        return problem(
            HTTPStatus.FORBIDDEN,
            "A page of that origin may not send this.",
            "cross_site",
            {"Vary": "Origin"},
        )


def add_cors(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Has browsers let pages of these origins in; without any, there is nothing to say."""
    if origins:
        app.add_middleware(
            _Cors,
            allow_origins=origins,
            allow_credentials=True,
            allow_methods=["DELETE", "GET", "HEAD", "POST", "PUT"],
            allow_headers=_ASKED,
            expose_headers=_TOLD,
        )


def refuse_cross_site(method: str, headers: Headers, listed: tuple[str, ...]) -> None:
    """Refuses what a page of another site has a browser send.

    A browser adds cookies, and reaches this machine's loopback, for whatever page asks it to. Who
    sends a key in a header has it from no browser, or was let in by CORS.

    Raises:
        AccessError: It is that.
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
        # Older browsers, and plain HTTP. Its host alone: the scheme is lost behind a proxy.
        ours = origin is None or _split(origin).netloc == headers.get("host")
    if not ours:
        raise AccessError(
            f"A page of another site, {origin or 'unnamed'}, may not do this. If it shall, whoever "
            "runs this gateway can list it in POSEWAY_CORS_ORIGINS.",
            "cross_site",
        )


def refuse_foreign_host(headers: Headers) -> None:
    """Refuses a host name that is not this machine's.

    Without keys the gateway trusts whoever reaches loopback. A page whose own name was made to lead
    there (DNS rebinding) would count as the gateway's own.

    Raises:
        AccessError: It is not.
    """
    host = headers.get("host", "")
    parts = _split(f"//{host}")
    # More than a name and a port, as a@b or a/b, is no host.
    plain = parts.netloc == host and "@" not in host
    if not plain or not is_loopback(parts.hostname or ""):
        raise AccessError(
            f"This gateway asks for no keys, so it answers to names of this machine only, not to "
            f"{host[:100]!r}. Use http://localhost, or set POSEWAY_AUTH to keys or off.",
            "wrong_host",
        )


def _split(url: str) -> SplitResult:
    """The parts of an address, all empty if it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def is_loopback(host: str) -> bool:
    """Whether a host name without port always means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
