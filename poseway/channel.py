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

_BROKEN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    # What a server that is shut down or killed in the middle of a call leaves behind.
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
}
_TRIES: Final = 4


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


async def repeat(
    channel: grpc.aio.Channel, call: Callable[[], Awaitable[T]], what: str, patience: float
) -> T:
    """Makes a call, again and again with growing pauses as long as that can help.

    A service that is away, or has too much to do, is waited for. A call that breaks although the
    service is there may be what breaks it, so it is made a few times and no more.

    Args:
        channel: The channel that the call goes through.
        call: Makes the call once; must be safe to repeat.
        what: Name of the service, for logs and errors.
        patience: Seconds to wait for the service.

    Returns:
        The answer of the first call that worked.

    Raises:
        UnavailableError: The service was away, or too busy, for longer than `patience`.
        ServiceError: The call broke, every time.
        PosewayError: The service refused for good; the message and the code are its own.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + patience
    pause, tries = 0.2, 0
    while True:
        try:
            await asyncio.wait_for(channel.channel_ready(), max(0.0, end - clock()))
            return await call()
        except TimeoutError as error:
            raise errors.UnavailableError(f"{what} was away for {patience:.0f} s.") from error
        except grpc.aio.AioRpcError as error:
            details = f"{error.code().name}: {error.details()}"
            if error.code() in _BROKEN:
                tries += 1
            elif error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED or _code(error) is None:
                # Without a code of ours it is gRPC that has enough: the message is too large.
                raise _named(error) from error
            if tries == _TRIES:
                raise errors.ServiceError(f"{what} broke {tries} times, {details}") from error
            if clock() > end:
                raise errors.UnavailableError(f"{what} was busy for {patience:.0f} s.") from error
            log.warning("repeating", call=what, status=details)
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 # not a secret
        pause = min(pause * 2, 5.0)


_KINDS: Final[dict[grpc.StatusCode, type[errors.PosewayError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidRequestError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.FAILED_PRECONDITION: errors.IncompatibleError,
}


def _named(error: grpc.aio.AioRpcError) -> errors.PosewayError:
    kind = _KINDS.get(error.code(), errors.PosewayError)
    return kind(error.details() or str(error), _code(error))


def _code(error: grpc.aio.AioRpcError) -> str | None:
    """What the service calls its error; None if it is not the service's own."""
    trailing = error.trailing_metadata() or ()
    return next((str(value) for key, value in trailing if key == "poseway-code"), None)
