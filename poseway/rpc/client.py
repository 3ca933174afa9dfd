"""Calling another service: whichever replica is least busy, and again where that can help."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import grpc
import structlog

from poseway import errors
from poseway.rpc.load_balancer import Replica, Replicas, Resolve
from poseway.rpc.status import BEGUN, BROKEN, CODE, ERROR_OF, MESSAGE_BYTES, UNBEGUN

T = TypeVar("T")

log = structlog.get_logger(__name__)

# What gRPC's asyncio client says instead of how a call ended if that came while it was sending.
_UNSENT: Final = "Internal error from Core"
_TRIES: Final = 4
_REST_SECONDS: Final = 1.0


def connect(
    address: str, message_bytes: int = MESSAGE_BYTES, resolve: Resolve | None = None
) -> Replicas:
    """Begins to connect to all replicas of a service.

    Args:
        address: ``host:port``, or several, separated by commas; all addresses that they stand for
            are replicas.
        message_bytes: Largest message, either way.
        resolve: How names are looked up; None asks the system.
    """
    options = [
        ("grpc.max_receive_message_length", message_bytes),
        ("grpc.max_send_message_length", message_bytes),
        ("grpc.keepalive_time_ms", 20_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.initial_reconnect_backoff_ms", 500),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]

    def open_channel(to: str) -> grpc.aio.Channel:
        family = "ipv6" if to.startswith("[") else "ipv4"
        return grpc.aio.insecure_channel(f"{family}:{to}", options=options)

    return Replicas(address, open_channel, resolve)


async def repeat(
    replicas: Replicas,
    call: Callable[[grpc.aio.Channel], Awaitable[T]],
    what: str,
    patience: float,
) -> T:
    """Makes a call, again and again with growing pauses as long as that can help.

    A service that is away, or has too much to do, is waited for. A call that breaks although the
    service is there may be what breaks it, so it is made a few times and no more. One that never
    reached the service, because a replica is stopping, goes to another at once and does not count;
    nor does one that reached a replica of a version too old for it.

    Args:
        replicas: Who can be called.
        call: Makes the call once, through a channel; must be safe to repeat.
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
        replica = await _wait(replicas, what, patience, end)
        try:
            with replica.called():
                return await call(replica.channel)
        except grpc.aio.AioRpcError as error:
            details = f"{error.code().name}: {error.details()}"
            passed_on = not _counts(error)
            tries += not passed_on
            if tries == _TRIES:
                raise errors.ServiceError(
                    f"Calls to {what} failed {tries} times: {details}"
                ) from error
            if clock() > end and _of_version(error):
                raise _error(error) from error
            if clock() > end:
                raise errors.UnavailableError(
                    f"{what} was overloaded for {patience:.0f} s."
                ) from error
            log.warning(
                "repeating",
                call=what,
                replica=replica.address,
                status=details,
                try_counts=not passed_on,
            )
        replica.rest(_REST_SECONDS)
        if passed_on and replicas.spare:
            continue
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 # not a secret
        pause = min(pause * 2, 5.0)


async def _wait(replicas: Replicas, what: str, patience: float, end: float) -> Replica:
    try:
        async with asyncio.timeout_at(end):
            return await replicas.pick()
    except TimeoutError as error:
        raise errors.UnavailableError(f"{what} was unavailable for {patience:.0f} s.") from error


def _counts(error: grpc.aio.AioRpcError) -> bool:
    """Whether a call that failed may be what breaks the service; raises if it failed for good."""
    if error.code() in UNBEGUN or error.details() == _UNSENT:
        return any(key == BEGUN for key, _ in error.initial_metadata() or ())
    if error.code() in BROKEN:
        return True
    # Without a code of ours it is gRPC that has enough: the message is too large.
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and _code(error) is not None:
        return False
    if _of_version(error):
        return False
    raise _error(error) from error


def _of_version(error: grpc.aio.AioRpcError) -> bool:
    """Whether a replica is too old for the call; during an upgrade there are newer ones."""
    return error.code() is grpc.StatusCode.UNIMPLEMENTED or _code(error) == errors.STATE_NEWER


def _error(error: grpc.aio.AioRpcError) -> errors.PosewayError:
    kind = ERROR_OF.get(error.code(), errors.PosewayError)
    return kind(error.details() or str(error), _code(error))


def _code(error: grpc.aio.AioRpcError) -> str | None:
    """What the service calls its error; None if it is not the service's own."""
    trailing = error.trailing_metadata() or ()
    return next((str(value) for key, value in trailing if key == CODE), None)
