"""What access refuses."""

import math

from poseway.errors import PosewayError


class AccessError(PosewayError):
    """The caller may not do this, or not now.

    Attributes:
        headers: What the answer's headers say about it.
    """

    def __init__(self, message: str, code: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message, code)
        self.headers = headers or {}


def key_missing(message: str = "This needs an API key.") -> AccessError:
    """Nobody said who calls."""
    advice = "Send it as 'Authorization: Bearer pw_…', or sign in on the page."
    return AccessError(f"{message} {advice}", "key_missing", {"WWW-Authenticate": "Bearer"})


def key_unknown(message: str) -> AccessError:
    """What was sent to say who calls counts for nothing."""
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return AccessError(message, "key_unknown", headers)


def too_much(message: str, code: str, seconds: float) -> AccessError:
    """More than the key may ask for; again in some seconds."""
    return AccessError(message, code, {"Retry-After": str(max(1, math.ceil(seconds)))})
