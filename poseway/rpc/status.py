"""What client and server agree on: status codes for errors, metadata, the size of a message."""

from typing import Final

import grpc

from poseway import errors

MESSAGE_BYTES: Final = 64 << 20
"""Largest message: a frame of 8192 x 2730 pixels."""

BEGUN: Final = "poseway-begun"
"""Metadata with which a service says at once that a call has reached its method."""

CODE: Final = "poseway-code"
"""Trailing metadata that holds the error's code."""

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
"""Status code with which a server reports an error; INTERNAL for every other kind."""

ERROR_OF: Final[dict[grpc.StatusCode, type[errors.PosewayError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequestError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.DATA_LOSS: errors.DecoderError,
    grpc.StatusCode.FAILED_PRECONDITION: errors.IncompatibleError,
    # Every replica is too old, which an upgrade mends: no fault of the job.
    grpc.StatusCode.UNIMPLEMENTED: errors.UnavailableError,
}
"""Error that a client raises for a status code after which repeating a call cannot help."""

BROKEN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    # What a server that is shut down or killed in the middle of a call leaves behind.
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
}
# Calls end so that have begun, and others that wait at a busy server or come as one stops.
UNBEGUN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}
