"""Calling another service: a channel over all its replicas, and what may be repeated."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import grpc
import structlog

from poseway import errors

T = TypeVar("T")

log = structlog.get_logger(__name__)

_TRANSIENT: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    # What a server that is shut down or killed in the middle of a call leaves behind.
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
}


def connect(address: str, message_bytes: int = 64 << 20) -> grpc.aio.Channel:
    """Opens a channel that spreads its calls over all replicas of a service.

    Args:
        address: ``host:port``; all addresses that the name resolves to are used in turn.
        message_bytes: Largest message, either way.
    """
    return grpc.aio.insecure_channel(
        f"dns:///{address}",
        options=[
            ("grpc.lb_policy_name", "round_robin"),
            ("grpc.max_receive_message_length", message_bytes),
            ("grpc.max_send_message_length", message_bytes),
            ("grpc.keepalive_time_ms", 20_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
        ],
    )


async def repeat(call: Callable[[], Awaitable[T]], what: str, patience: float) -> T:
    """Makes a call, again and again with growing pauses as long as that can help.

    Args:
        call: Makes the call once; must be safe to repeat.
        what: Name of the call, for logs and errors.
        patience: Seconds to keep trying for.

    Returns:
        The answer of the first call that worked.

    Raises:
        UnavailableError: It did not work within `patience`.
        PosewayError: The service refused for good; the message and the code are its own.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + patience
    pause = 0.2
    while True:
        try:
            return await call()
        except grpc.aio.AioRpcError as error:
            if error.code() not in _TRANSIENT:
                raise _named(error) from error
            if clock() + pause > end:
                raise errors.UnavailableError(
                    f"{what} did not work for {patience:.0f} s: {error.details()}"
                ) from error
            log.warning("repeating", call=what, status=error.code().name, details=error.details())
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 # not a secret
        pause = min(pause * 2, 5.0)


_KINDS: Final[dict[grpc.StatusCode, type[errors.PosewayError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.FAILED_PRECONDITION: errors.IncompatibleError,
}


def _named(error: grpc.aio.AioRpcError) -> errors.PosewayError:
    trailing = error.trailing_metadata() or ()
    code = next((str(value) for key, value in trailing if key == "poseway-code"), None)
    return _KINDS.get(error.code(), errors.PosewayError)(error.details() or str(error), code)
