"""Named errors. Each has a code that programs test and a message that tells a person what to do."""

from typing import Final

STATE_NEWER: Final = "state_newer"
"""A newer version of the service wrote what a call goes on with; another replica may know it."""


class PosewayError(Exception):
    """An error with a code.

    Attributes:
        code: Stable, lower-case, with underscores; part of the API.
        message: A sentence or two for the user: what is wrong, and what to do.
    """

    code = "internal"

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class InvalidRequestError(PosewayError):
    """The request itself is wrong; repeating it does not help."""

    code = "invalid_request"


class NotFoundError(PosewayError):
    """What was asked for does not exist."""

    code = "not_found"


class RefusedError(PosewayError):
    """Who asks may not do this, or has not said who it is."""

    code = "refused"


class ConflictError(PosewayError):
    """Somebody else changed the thing in the meantime."""

    code = "conflict"


class IncompatibleError(PosewayError):
    """Two things that must fit together do not."""

    code = "incompatible"


class OverloadedError(PosewayError):
    """Too much is asked for at once; trying again later helps."""

    code = "overloaded"


class UnavailableError(PosewayError):
    """Something this depends on cannot be reached; trying again later helps."""

    code = "unavailable"


class ServiceError(PosewayError):
    """A service broke over a request; a few more attempts may help, many will not."""

    code = "service_failed"


class DecoderError(PosewayError):
    """A file broke the process that decodes it; a few more attempts may help, many will not."""

    code = "decoder_crashed"


class VideoError(PosewayError):
    """A video cannot be processed, and never will be."""

    code = "video_unreadable"
