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
    "poseway_http_problems", "Requests that were answered with an error, by its code.", ["code"]
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
    """Returns a response with problem details."""
    _PROBLEMS.labels(code).inc()
    body = Problem(title=status.phrase, status=status.value, detail=detail, code=code)
    return JSONResponse(
        body.model_dump(),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def answer(error: errors.PosewayError, *, close: bool = False) -> JSONResponse:
    """Returns the response to an error.

    Args:
        error: The error.
        close: Whether the connection closes after the response.
    """
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
    """Logs an unexpected error and returns a response that reveals nothing about it.

    Args:
        error: The error.
        close: Whether the connection closes after the response.
    """
    log.exception("unexpected", exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "An internal error occurred. Try again.",
        "internal",
        {"Connection": "close"} if close else None,
    )


def add_handlers(app: FastAPI) -> None:
    """Registers handlers that answer every error with problem details."""

    @app.exception_handler(errors.PosewayError)
    async def _named(request: Request, error: errors.PosewayError) -> JSONResponse:
        # The rest of the body will not be read, so the connection cannot be reused.
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
        # Not the caller's fault: a newer gateway wrote a record that this version cannot read.
        log.exception("record cannot be read", exc_info=error)
        return answer(
            errors.UnavailableError("A newer version of Poseway wrote this record. Try again soon.")
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
        # Reached only after a response has begun; see `ErrorBoundary`. Logged, but not sent.
        return unexpected(error)


def _allowed(request: Request) -> list[str]:
    """Returns the methods of a path, from the OpenAPI document: several routes may share it."""
    paths = cast("FastAPI", request.app).openapi()["paths"]
    # The most specific path comes first. Paths outside the document, like the page's, take GET.
    offered = next(
        (
            sorted(method.upper() for method in methods)
            for path, methods in paths.items()
            if compile_path(path)[0].fullmatch(request.url.path)
        ),
        ["GET"],
    )
    return [*offered, "HEAD"] if "GET" in offered else offered
