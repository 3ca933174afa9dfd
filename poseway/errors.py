"""Named errors, and the codes with which a job can fail.

Each error has a code that programs test and a message that tells the user what to do.
"""

from typing import Final

STATE_NEWER: Final = "state_newer"
"""The state that a call continues from was written by a newer version; another replica may be able
to read it."""


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
    """The requested thing does not exist."""

    code = "not_found"


class RefusedError(PosewayError):
    """The caller is not identified, or not permitted to do this."""

    code = "refused"


class ConflictError(PosewayError):
    """Another writer changed the object in the meantime."""

    code = "conflict"


class IncompatibleError(PosewayError):
    """Two versions or files that must match do not."""

    code = "incompatible"


class OverloadedError(PosewayError):
    """A quota or a limit is used up; trying again later helps."""

    code = "overloaded"


class UnavailableError(PosewayError):
    """A service or store cannot be reached; trying again later helps."""

    code = "unavailable"


class ServiceError(PosewayError):
    """A service failed on a request; retry a few times, not for ever."""

    code = "service_failed"


class DecoderError(PosewayError):
    """A file broke the process that decodes it; retry a few times, not for ever."""

    code = "decoder_crashed"


class VideoError(PosewayError):
    """A video cannot be processed; retrying never helps."""

    code = "video_unreadable"


FAILURES: Final[dict[str, str]] = {
    "decoder_crashed": "The decoder crashed on the file in every attempt.",
    "decoder_stuck": "The decoder made no progress on the file for too long in every attempt.",
    "empty_file": "The file is empty.",
    "incompatible": "Twice, parts of the job were made by versions that do not fit together.",
    "invalid_request": "A service rejected the request that it was sent.",
    "model_missing": "The inference service does not have the weights of the model.",
    "no_such_stream": "The file has no stream of that kind with the requested index.",
    "no_video_stream": "The file has no video, only sound, or sound with a cover picture.",
    "not_found": "The upload no longer exists.",
    "out_of_memory": "Decoding the file takes more memory than one file may use.",
    "picture_too_large": "The image is larger than 8K.",
    "picture_unreadable": "The image is damaged or of a kind that cannot be read.",
    "state_newer": "Twice, only a newer version of the tracker could have read the job's state.",
    "state_unreadable": "Twice, the tracker could not read the state that it had saved.",
    "timestamps_jump_back": "The timestamps of the video start again in the middle.",
    "too_long": "The video has too many frames, or would make an MP4 that is too large.",
    "too_many_attempts": "Three attempts in a row broke off without progress.",
    "unknown_codec": "The codec of the video is not supported.",
    "unknown_model": "The inference service has no model of that name.",
    "video_truncated": "The end of the video is missing.",
    "video_unreadable": "The file is not a video or an image, or it is damaged.",
}
"""The codes of `JobError` and what each means; the job's own message adds what to do."""
