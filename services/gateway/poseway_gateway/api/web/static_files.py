"""Serves the files of the page."""

from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send


class PageFiles(StaticFiles):
    """Sends files whole. They are small, and Starlette answers odd ranges in plain text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, ignoring its Range header."""
        headers = [header for header in scope["headers"] if header[0] != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)
