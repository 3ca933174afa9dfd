"""Middleware that answers unexpected errors."""

from opentelemetry import trace
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poseway_gateway.api.web.problems import unexpected


class ErrorBoundary:
    """Answers unexpected errors with problem details; a plain ASGI middleware.

    Starlette's own handler is outside all middleware, so its responses would lack the headers that
    middleware adds: the security headers, and those of CORS, without which a page of another
    origin cannot read the response.
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
                raise  # the response has begun: the server closes the connection
            span = trace.get_current_span()
            span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            # The rest of the body will not be read, so the connection cannot be reused.
            unread = getattr(Request(scope).state, "body_unread", False)
            await unexpected(error, close=unread)(scope, receive, send)
