"""Calls to another service: load-balanced, and retried while that can help."""

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

# gRPC's asyncio client reports this instead of the status if a call ends while it is still sending.
_UNSENT: Final = "Internal error from Core"
_TRIES: Final = 4
_REST_SECONDS: Final = 1.0


def connect(
    address: str, message_bytes: int = MESSAGE_BYTES, resolve: Resolve | None = None
) -> Replicas:
    """Starts to connect to all replicas of a service.

    Args:
        address: ``host:port``, or several separated by commas. Every address that these resolve to
            is a replica.
        message_bytes: Maximum size of a message in either direction, in bytes.
        resolve: Resolves names; None uses the system's resolver.
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
    """Makes a call and retries it with increasing pauses while that can help.

    An unavailable or overloaded service is retried until `patience` ends. A call that fails on an
    available service may itself be the cause, so it is tried at most four times. A call that never
    reached its method, because the replica is stopping, goes to another replica at once and does
    not count as a try. Neither does a call to a replica of a version that is too old.

    Args:
        replicas: Replicas of the service.
        call: Makes the call once through a channel. Must be idempotent.
        what: Name of the service for logs and errors.
        patience: Seconds to wait for the service.

    Returns:
        The response of the first successful call.

    Raises:
        UnavailableError: The service was unavailable or overloaded for longer than `patience`.
        ServiceError: Every try failed.
        PosewayError: The service rejected the call. Message and code are the service's.
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
            uncounted = not _counts(error)
            tries += not uncounted
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
                try_counts=not uncounted,
            )
        replica.rest(_REST_SECONDS)
        if uncounted and replicas.spare:
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
    """Whether a failed call counts as a try. Raises if repeating it cannot help."""
    if error.code() in UNBEGUN or error.details() == _UNSENT:
        return any(key == BEGUN for key, _ in error.initial_metadata() or ())
    if error.code() in BROKEN:
        return True
    # A status without one of our codes is gRPC's own: the message is too large.
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and _code(error) is not None:
        return False
    if _of_version(error):
        return False
    raise _error(error) from error


def _of_version(error: grpc.aio.AioRpcError) -> bool:
    """Whether a replica is too old for the call. During an upgrade, others are newer."""
    return error.code() is grpc.StatusCode.UNIMPLEMENTED or _code(error) == errors.STATE_NEWER


def _error(error: grpc.aio.AioRpcError) -> errors.PosewayError:
    kind = ERROR_OF.get(error.code(), errors.PosewayError)
    return kind(error.details() or str(error), _code(error))


def _code(error: grpc.aio.AioRpcError) -> str | None:
    """Code of an error that the service reported itself; None for gRPC's own errors."""
    trailing = error.trailing_metadata() or ()
    return next((str(value) for key, value in trailing if key == CODE), None)
