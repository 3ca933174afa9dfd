"""Bodies of requests: how long one is must be plain, and who sends it must go on sending."""

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
    """Sees to both; a plain ASGI middleware.

    A sender who is silent for too long counts as gone: phones vanish without a word. One who is
    slow does not.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        """Wraps an application.

        Args:
            app: It.
            seconds: How long a sender may be silent while a body is waited for.
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
            # What one server takes for the body, another takes for the next request.
            refused = problem(
                HTTPStatus.BAD_REQUEST,
                "A request has a Content-Length or a Transfer-Encoding, not both.",
                "bad_request",
                {"Connection": "close"},
            )
            await refused(scope, receive, send)
            return
        body = _Body(receive, send, self._seconds)
        await self._app(scope, body.receive, body.send)


class _Body:
    """A body on its way, and the answer to it."""

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._seconds = seconds
        self._whole = False
        self._gone = False

    async def receive(self) -> Message:
        """The next of it; its sender is gone once they were silent for too long."""
        if self._whole:
            return await self._receive()
        if self._gone:
            return _GONE
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            log.info("the sender of a body was silent")
            self._gone = True
            return _GONE
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Ends the connection after the answer to a body that will not be whole."""
        if self._gone and message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Connection"] = "close"
        await self._send(message)
