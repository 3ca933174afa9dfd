"""Security headers that every response carries."""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CSP: Final = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
DEFAULT: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": _CSP,
}
"""Headers of a response by default."""
# The API's documentation page has an inline script.
_DOCS_CSP: Final = (
    f"{_CSP}; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:"
)


def _page_policy(storage: str | None) -> str:
    """Returns the policy of the page, which loads its own files and those of object storage.

    Args:
        storage: URL of object storage for browsers; None if they cannot reach it.
    """
    if storage is None:
        return _CSP
    parts = urlsplit(storage)
    origin = f"{parts.scheme}://{parts.netloc}"
    kinds = ("connect", "img", "media")
    return "; ".join([_CSP, *(f"{kind}-src 'self' {origin}" for kind in kinds)])


class SecurityHeaders:
    """Adds the headers; a plain ASGI middleware, so that bodies stream through untouched."""

    def __init__(self, app: ASGIApp, storage: str | None = None) -> None:
        self._app = app
        self._policy = _page_policy(storage)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = _DOCS_CSP if scope["path"].startswith("/docs") else self._policy

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(DEFAULT)
                headers["Content-Security-Policy"] = policy
                # Browsers revalidate their copies, so that they never mix versions of the page.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)
