"""Errors that the API raises besides those of `poseway.errors`."""

import math

from poseway.errors import PosewayError


class AccessError(PosewayError):
    """The caller may not do this, or not yet.

    Attributes:
        headers: Headers that the response carries, such as ``WWW-Authenticate`` or ``Retry-After``.
    """

    def __init__(self, message: str, code: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message, code)
        self.headers = headers or {}


class TooLargeError(PosewayError):
    """The upload is larger than the limit."""

    code = "too_large"


class RangeError(PosewayError):
    """The requested range lies outside the file.

    Attributes:
        size: Size of the file in bytes.
    """

    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes. Request a range within it.")
        self.size = size


def key_missing(message: str = "An API key is required.") -> AccessError:
    """Returns the error for a request without credentials."""
    advice = "Send it as 'Authorization: Bearer pw_…', or sign in on the page."
    return AccessError(f"{message} {advice}", "key_missing", {"WWW-Authenticate": "Bearer"})


def key_unknown(message: str) -> AccessError:
    """Returns the error for credentials that are not valid."""
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return AccessError(message, "key_unknown", headers)


def limit_reached(message: str, code: str, seconds: float) -> AccessError:
    """Returns the error for a rate limit or quota that allows more after some seconds."""
    return AccessError(message, code, {"Retry-After": str(max(1, math.ceil(seconds)))})


def too_large(limit: int) -> TooLargeError:
    """Returns the error for a video of more than `limit` bytes."""
    return TooLargeError(
        f"The video is larger than the limit of {limit:,} bytes. Upload a shorter or smaller one."
    )
