"""Headers that every answer carries."""

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
"""Those of an answer of which nothing more is known."""
# The API's documentation page starts its script from within the page.
_DOCS_CSP: Final = (
    f"{_CSP}; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:"
)


def _page_policy(storage: str | None) -> str:
    """What the page may load: files of its own, and large ones from object storage if that is open.

    Args:
        storage: Address of object storage as browsers see it, if they may.
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
                # Ask again before using a copy, so that nobody mixes two versions of the page.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)
