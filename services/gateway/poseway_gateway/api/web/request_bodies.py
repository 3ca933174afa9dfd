"""Request bodies: rejects ambiguous lengths and drops senders that fall silent."""

import asyncio
from http import HTTPStatus
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poseway_gateway.api.web.problems import problem

log = structlog.get_logger(__name__)

_GONE: Final[Message] = {"type": "http.disconnect"}


class RequestBodies:
    """Rejects ambiguous lengths and drops silent senders; a plain ASGI middleware.

    A sender that sends nothing for too long counts as disconnected, since phones disappear without
    closing their connections. A slow sender does not.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        """Wraps an application.

        Args:
            app: The application.
            seconds: Seconds that a sender may be silent while its body is awaited.
        """
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers and "content-length" in headers:
            # Servers disagree about where such a body ends (request smuggling).
            refused = problem(
                HTTPStatus.BAD_REQUEST,
                "Send either a Content-Length or a Transfer-Encoding, not both.",
                "bad_request",
                {"Connection": "close"},
            )
            await refused(scope, receive, send)
            return
        body = _Body(receive, send, self._seconds)
        await self._app(scope, body.receive, body.send)


class _Body:
    """The body of one request, and its response."""

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._seconds = seconds
        self._is_complete = False
        self._is_gone = False

    async def receive(self) -> Message:
        """Returns the next message, or a disconnect if the sender is silent for too long."""
        if self._is_complete:
            return await self._receive()
        if self._is_gone:
            return _GONE
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            log.info("sender of a request body was silent")
            self._is_gone = True
            return _GONE
        self._is_complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Closes the connection after the response if the body is incomplete."""
        if self._is_gone and message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Connection"] = "close"
        await self._send(message)
