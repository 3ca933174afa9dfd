"""Middleware that identifies and limits callers before anything else of a request is read."""

import re
from typing import Final, cast

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from poseway.errors import PosewayError
from poseway_gateway.api.access.authenticator import Authenticator
from poseway_gateway.api.access.caller import Caller
from poseway_gateway.api.access.cors import refuse_cross_site, refuse_foreign_host
from poseway_gateway.api.errors import AccessError
from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.api.web.problems import answer

SESSION_PATH: Final = "/v1/session"
_BODY_BYTES: Final = 64 << 10
_MAX_DRAINED_BYTES: Final = 16 << 20
_STREAMED: Final = re.compile(r"/v1/jobs|/v1/uploads/[^/]+/parts/[^/]+")


class AccessMiddleware:
    """Guards all paths under ``/v1/``; a plain ASGI middleware.

    No body is read before its sender is identified, and no route can omit the check. The caller is
    in the request's ``state.caller``; on the route to sign in, an `AccessError` may be there
    instead.
    """

    def __init__(self, app: ASGIApp, settings: ApiSettings) -> None:
        self._app = app
        self._origins = settings.cors_origins
        self._local_only = settings.auth == "auto" and not settings.keys_needed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        authenticator = cast("Authenticator", scope["app"].state.authenticator)
        limits: dict[str, str] = {}
        try:
            self._refuse_foreign(scope, request.headers)
            caller = await _identify(authenticator, scope, request)
            if isinstance(caller, Caller):
                limits = await authenticator.limiter.hit(caller)
            _refuse_large(scope["path"], request.headers)
        except PosewayError as error:
            read = await _drain(receive, request.headers)
            refused = answer(error, close=not read)
            refused.headers.update(limits)  # the request was counted nevertheless
            await refused(scope, receive, send)
            return
        if isinstance(caller, Caller) and caller.owner:
            structlog.contextvars.bind_contextvars(owner=caller.owner)
        request.state.caller = caller
        response = _LimitedResponse(send, authenticator, caller, limits)
        await self._app(scope, receive, response.send)

    def _refuse_foreign(self, scope: Scope, headers: Headers) -> None:
        if self._local_only:
            refuse_foreign_host(headers)
        refuse_cross_site(scope["method"], headers, self._origins)


async def _identify(
    authenticator: Authenticator, scope: Scope, request: HTTPConnection
) -> Caller | AccessError:
    try:
        return await authenticator.identify(request, scope["method"])
    except AccessError as error:
        if scope["path"] == SESSION_PATH:
            return error  # this is the route to sign in
        raise


async def _drain(receive: Receive, headers: Headers) -> bool:
    """Reads and drops a small body, since many clients read a response only after sending."""
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal() or int(length) > _MAX_DRAINED_BYTES:
        return False
    while length != "0":
        message = await receive()
        if not message.get("more_body", False):
            break
    return True


def _refuse_large(path: str, headers: Headers) -> None:
    """Rejects large bodies, which FastAPI reads into memory; routes that stream are exempt."""
    if _STREAMED.fullmatch(path):
        return
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal() or int(length) > _BODY_BYTES:
        raise AccessError(
            f"Send at most {_BODY_BYTES >> 10} KiB here, with a Content-Length.",
            "too_large",
        )


class _LimitedResponse:
    """A response that carries the rate limit, and ends when the caller's credentials do."""

    def __init__(
        self,
        send: Send,
        authenticator: Authenticator,
        caller: Caller | AccessError,
        headers: dict[str, str],
    ) -> None:
        self._send = send
        self._authenticator = authenticator
        self._caller = caller
        self._headers = headers
        self._endless = False
        self._ended = False

    async def send(self, message: Message) -> None:
        if self._ended:
            return
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(self._headers)
            self._endless = headers.get("content-type", "").startswith("text/event-stream")
        elif self._endless and not await self._is_valid():
            # The server reports a complete response to the route as a disconnect.
            self._ended = True
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _is_valid(self) -> bool:
        return isinstance(self._caller, Caller) and await self._authenticator.still(self._caller)
