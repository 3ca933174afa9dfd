"""A request, and what an answer that is no success means."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import httpx

from poseway.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    PosewayError,
    RefusedError,
    UnavailableError,
)

DEFAULT_URL: Final = "http://127.0.0.1:8080"
# An upload is answered when it is stored, an idle event stream has a comment every 15 seconds.
TIMEOUT: Final = httpx.Timeout(30, read=180)
_SLICE: Final = 64 << 10
_KINDS: Final[dict[int, type[PosewayError]]] = {
    400: InvalidRequestError,
    401: RefusedError,
    403: RefusedError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidRequestError,
    422: InvalidRequestError,
    429: OverloadedError,
    # The gateway itself, or a proxy in front of it, says that it is not there for the moment.
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}


class Sink(Protocol):
    """What an answer is written to while it arrives."""

    def begin(self, answer: httpx.Response) -> None:
        """Is told status and headers of an answer that is a success."""

    def write(self, chunk: bytes, /) -> None:
        """Takes the next bytes."""


def _nobody(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the gateway.

    Attributes:
        method: As HTTP has it.
        path: Path at the gateway, or the whole address of something else, which gets no key.
        params: Of the query.
        headers: More headers.
        body: What is sent.
        sent: Is told how many bytes of the body are on their way.
        sink: Where the answer goes; None keeps it in memory.
    """

    method: str
    path: str
    params: Mapping[str, str | int | float | list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: Callable[[int], None] = _nobody
    sink: Sink | None = None

    def slices(self) -> Iterator[bytes]:
        """The body, bit by bit, telling how it goes."""
        view = memoryview(self.body)
        for start in range(0, len(view), _SLICE):
            yield bytes(view[start : start + _SLICE])
            self.sent(min(len(view), start + _SLICE))


@dataclass(frozen=True, slots=True)
class Address:
    """Where the gateway is, and who asks.

    Attributes:
        url: Address of the gateway.
        key: API key, if any.
    """

    url: str
    key: str | None

    @classmethod
    def given(cls, url: str | None, key: str | None) -> "Address":
        """What was given, else the environment's POSEWAY_URL and POSEWAY_API_KEY."""
        url = url or os.environ.get("POSEWAY_URL") or DEFAULT_URL
        if not url.startswith(("http://", "https://")):
            raise InvalidRequestError(
                f"{url!r} is no address of a gateway. Give one like {DEFAULT_URL}.", "invalid_url"
            )
        return cls(url, key or os.environ.get("POSEWAY_API_KEY") or None)

    def headers(self, request: Request) -> dict[str, str]:
        """All headers of a request."""
        headers = dict(request.headers)
        if request.body:
            headers["Content-Length"] = str(len(request.body))
        if self.key and request.path.startswith("/"):
            headers["Authorization"] = f"Bearer {self.key}"
        return headers


def lost(url: str, error: httpx.HTTPError) -> UnavailableError:
    """The error for a gateway that does not answer."""
    unavailable = UnavailableError(
        f"The gateway {url} cannot be reached ({str(error) or type(error).__name__})."
    )
    unavailable.__cause__ = error
    return unavailable


def problem(answer: httpx.Response) -> PosewayError:
    """The error that an answer is, in the gateway's own words."""
    kind = _KINDS.get(answer.status_code, PosewayError)
    try:
        body = answer.json()
        return kind(str(body["detail"]), str(body["code"]))
    except (ValueError, KeyError, TypeError):
        return kind(f"The gateway answered {answer.status_code}.", "http")


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds after which the gateway wants to be asked again, if it says so."""
    try:
        return max(0.0, float(answer.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
