"""Requests to the gateway, and exceptions for its error responses."""

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
# An upload is answered once it is stored; an idle event stream has a comment every 15 seconds.
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
    # From the gateway itself or from a proxy in front of it.
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}


class Sink(Protocol):
    """Receives the body of a response while it arrives."""

    def begin(self, answer: httpx.Response) -> None:
        """Takes the status and headers of a successful response."""

    def write(self, chunk: bytes, /) -> None:
        """Takes the next chunk of the body."""


def _ignore(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the gateway.

    Attributes:
        method: HTTP method.
        path: Path at the gateway, or a whole URL of another host, which is sent without the key.
        params: Parameters of the query.
        headers: Additional headers.
        body: Body of the request.
        sent: Called with the number of bytes of the body sent so far.
        sink: Receives the body of the response; None keeps it in memory.
    """

    method: str
    path: str
    params: Mapping[str, str | int | float | list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: Callable[[int], None] = _ignore
    sink: Sink | None = None

    def slices(self) -> Iterator[bytes]:
        """Yields the body in slices and reports progress after each."""
        view = memoryview(self.body)
        for start in range(0, len(view), _SLICE):
            yield bytes(view[start : start + _SLICE])
            self.sent(min(len(view), start + _SLICE))


@dataclass(frozen=True, slots=True)
class Address:
    """Address of a gateway, and the API key for it.

    Attributes:
        url: Address of the gateway.
        key: API key; None for none.
    """

    url: str
    key: str | None

    @classmethod
    def given(cls, url: str | None, key: str | None) -> "Address":
        """Fills in what is not given from POSEWAY_URL and POSEWAY_API_KEY of the environment."""
        url = url or os.environ.get("POSEWAY_URL") or DEFAULT_URL
        if not url.startswith(("http://", "https://")):
            raise InvalidRequestError(
                f"{url!r} is not the address of a gateway. Use one like {DEFAULT_URL}.",
                "invalid_url",
            )
        return cls(url, key or os.environ.get("POSEWAY_API_KEY") or None)

    def headers(self, request: Request) -> dict[str, str]:
        """Returns all headers of a request."""
        headers = dict(request.headers)
        if request.body:
            headers["Content-Length"] = str(len(request.body))
        if self.key and request.path.startswith("/"):
            headers["Authorization"] = f"Bearer {self.key}"
        return headers


def lost(url: str, error: httpx.HTTPError) -> UnavailableError:
    """Makes the error for a gateway that does not respond."""
    unavailable = UnavailableError(
        f"The gateway {url} cannot be reached ({str(error) or type(error).__name__})."
    )
    unavailable.__cause__ = error
    return unavailable


def problem(answer: httpx.Response) -> PosewayError:
    """Converts an error response to an exception with the gateway's message."""
    kind = _KINDS.get(answer.status_code, PosewayError)
    try:
        body = answer.json()
        return kind(str(body["detail"]), str(body["code"]))
    except (ValueError, KeyError, TypeError):
        return kind(f"The gateway responded with status {answer.status_code}.", "http")


def retry_after(answer: httpx.Response) -> float | None:
    """Returns the response's Retry-After in seconds; None if it has none."""
    try:
        return max(0.0, float(answer.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
