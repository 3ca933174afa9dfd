"""The answer to errors that nobody foresaw."""

from opentelemetry import trace
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poseway_gateway.api.web.problems import unexpected


class ErrorBoundary:
    """Answers them where it stands; a plain ASGI middleware.

    Starlette's own handler is outside of all middleware, so its answers would lack what that adds:
    the headers that every answer carries, and those without which no page of another origin may
    read it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        except Exception as error:
            if begun:
                raise  # there is no second answer: the server cuts the connection
            span = trace.get_current_span()
            span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            # What was not read will not be, so the connection is of no more use.
            unread = getattr(Request(scope).state, "body_unread", False)
            await unexpected(error, close=unread)(scope, receive, send)
