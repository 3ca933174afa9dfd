"""The page's files."""

from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send


class PageFiles(StaticFiles):
    """Always whole: they are small, and Starlette's answers to odd ranges are no problems."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        headers = [header for header in scope["headers"] if header[0] != b"range"]
        await super().__call__({**scope, "headers": headers}, receive, send)
