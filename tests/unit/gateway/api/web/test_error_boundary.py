"""Unexpected errors are answered like all others and logged, and reveal nothing."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from poseway_gateway.api.access.caller import Caller
from poseway_gateway.api.app import create_app
from poseway_gateway.api.settings import ApiSettings

ORIGIN: Final = "https://example.org"
LEFT: Final = {"RateLimit-Remaining": "7"}


class Limiter:
    async def hit(self, _caller: Caller) -> dict[str, str]:
        return LEFT


class Authenticator:
    limiter = Limiter()

    async def identify(self, request: Request, _method: str) -> Caller:
        if request.url.path.endswith("/gate"):
            raise RuntimeError("secret")
        return Caller()


def broken() -> None:
    raise RuntimeError("secret")


def begun() -> StreamingResponse:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        raise RuntimeError("secret")

    return StreamingResponse(pieces())


async def unread(request: Request) -> None:
    request.state.body_unread = True
    raise RuntimeError("secret")


@pytest.fixture
def app() -> FastAPI:
    """The application, not started, with routes that raise unexpected errors."""
    app = create_app(ApiSettings(auth="off", cors_origins=(ORIGIN,)))
    app.state.authenticator = Authenticator()
    routes: dict[str, Callable[..., object]] = {
        "/v1/broken": broken,
        "/v1/broken/begun": begun,
        "/v1/broken/unread": unread,
    }
    for path, route in routes.items():
        app.add_api_route(path, route, response_model=None)
    return app


@pytest.mark.parametrize("path", ["/v1/broken", "/v1/broken/unread", "/v1/broken/gate"])
def test_error_response_has_the_usual_headers(app: FastAPI, path: str) -> None:
    with capture_logs() as logs:
        answer = TestClient(app).get(path, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers.get("ratelimit-remaining") == (None if "gate" in path else "7")
    assert answer.headers.get("connection") == ("close" if "unread" in path else None)
    assert "secret" not in answer.text
    (entry,) = (entry for entry in logs if entry["event"] == "unexpected")
    assert str(entry["exc_info"]) == "secret"


def test_response_that_has_begun_is_cut_off(app: FastAPI) -> None:
    with capture_logs() as logs, pytest.raises(RuntimeError, match="secret"):
        TestClient(app).get("/v1/broken/begun")
    assert [entry["event"] for entry in logs] == ["unexpected"]
