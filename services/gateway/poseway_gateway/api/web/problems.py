"""Errors as RFC 9457 problem details."""

from http import HTTPStatus
from typing import Final, cast

import prometheus_client
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from poseway import errors
from poseway_gateway.api.errors import AccessError, RangeError, TooLargeError
from poseway_gateway.api.web.error_codes import CODES, Problem

log = structlog.get_logger(__name__)

_PROBLEMS: Final = prometheus_client.Counter(
    "poseway_http_problems", "Requests that were answered with an error.", ["code"]
)

_STATUS: Final[dict[type[errors.PosewayError], HTTPStatus]] = {
    errors.InvalidRequestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RangeError: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
}


def problem(
    status: HTTPStatus, detail: str, code: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """An error as a response."""
    _PROBLEMS.labels(code).inc()
    body = Problem(title=status.phrase, status=status.value, detail=detail, code=code)
    return JSONResponse(
        body.model_dump(),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def answer(error: errors.PosewayError, *, close: bool = False) -> JSONResponse:
    """A named error as a response; `close` ends the connection after it."""
    status = _STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    if error.code in CODES:
        status, _ = CODES[error.code]
    headers: dict[str, str] = {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE or error.code == "idempotency_in_progress":
        headers["Retry-After"] = "5"
    if isinstance(error, RangeError):
        headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, AccessError):
        headers |= error.headers
    if close:
        headers["Connection"] = "close"
    return problem(status, error.message, error.code, headers)


def unexpected(error: Exception, *, close: bool = False) -> JSONResponse:
    """Logs an error that nobody foresaw, of which its caller is told nothing; see `answer`."""
    log.exception("unexpected", exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Something broke on our side. Try again.",
        "internal",
        {"Connection": "close"} if close else None,
    )


def add_handlers(app: FastAPI) -> None:
    """Makes every error of the app a problem."""

    @app.exception_handler(errors.PosewayError)
    async def _named(request: Request, error: errors.PosewayError) -> JSONResponse:
        # What was not read will not be, so the connection is of no more use.
        return answer(error, close=getattr(request.state, "body_unread", False))

    @app.exception_handler(RequestValidationError)
    async def _validation(_request: Request, error: RequestValidationError) -> JSONResponse:
        detail = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'][1:])}: {item['msg']}"
            for item in error.errors()
        )
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, "invalid_request")

    @app.exception_handler(ValidationError)
    async def _unreadable(_request: Request, error: ValidationError) -> JSONResponse:
        # Not the caller's fault: a newer gateway beside this one wrote what cannot be read here.
        log.exception("a record cannot be read", exc_info=error)
        return answer(
            errors.UnavailableError("A newer version of Poseway wrote this. Ask again soon.")
        )

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        code = status.phrase.lower().replace(" ", "_")
        headers = dict(error.headers or {})
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed(request))
        return problem(status, str(error.detail), code, headers)

    @app.exception_handler(Exception)
    async def _unexpected(_request: Request, error: Exception) -> JSONResponse:
        # Comes here only when an answer had begun; see `Unexpected`. It is logged, not sent.
        return unexpected(error)


def _allowed(request: Request) -> list[str]:
    """The methods of a path, as the document has them: several routes may share it."""
    paths = cast("FastAPI", request.app).openapi()["paths"]
    # The most special comes first. What is not in the document, like the page's files, is for GET.
    offered = next(
        (
            sorted(method.upper() for method in methods)
            for path, methods in paths.items()
            if compile_path(path)[0].fullmatch(request.url.path)
        ),
        ["GET"],
    )
    return [*offered, "HEAD"] if "GET" in offered else offered
