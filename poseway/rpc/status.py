"""Conventions of client and server: status codes, metadata, the size of a message."""

from typing import Final

import grpc

from poseway import errors

MESSAGE_BYTES: Final = 64 << 20
"""Largest message: a frame of 8192 x 2730 pixels."""

BEGUN: Final = "poseway-begun"
"""Initial metadata that a service sends as soon as a call has reached its method."""

CODE: Final = "poseway-code"
"""Trailing metadata that holds the code of an error."""

STATUS_OF: Final[dict[type[errors.PosewayError], grpc.StatusCode]] = {
    errors.InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.VideoError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.DecoderError: grpc.StatusCode.DATA_LOSS,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.ConflictError: grpc.StatusCode.ABORTED,
    errors.IncompatibleError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
}
"""Status code that a server sends for an error. INTERNAL for every other class."""

ERROR_OF: Final[dict[grpc.StatusCode, type[errors.PosewayError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequestError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.DATA_LOSS: errors.DecoderError,
    grpc.StatusCode.FAILED_PRECONDITION: errors.IncompatibleError,
    # Every replica is too old. An upgrade solves that, so the job is not at fault.
    grpc.StatusCode.UNIMPLEMENTED: errors.UnavailableError,
}
"""Error that a client raises for a status code that rules out a retry."""

BROKEN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    # Sent or left behind by a server that is shut down or killed during a call.
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
}
# Status codes of calls that may or may not have reached their method: the server may have been busy
# or stopping.
UNBEGUN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}
