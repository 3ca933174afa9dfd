"""HEAD requests for every route that supports GET."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

IS_HEAD: Final = "poseway.head"
"""Key in the ASGI scope of requests whose response is sent without its body."""


class HeadAsGet:
    """Answers HEAD with the status and headers of GET; a plain ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_start(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                # The server reports a complete response to a streaming route as a disconnect.
                await send({"type": "http.response.body", "body": b""})

        await self._app({**scope, "method": "GET", IS_HEAD: True}, receive, send_start)
