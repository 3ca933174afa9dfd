"""Which failed calls are retried, and which are not."""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import grpc
import pytest

from poseway.errors import (
    STATE_NEWER,
    IncompatibleError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    UnavailableError,
)
from poseway.rpc import client
from poseway.rpc.client import connect, repeat
from tests.support.servers import Server, once


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses grow as in production but take a tenth of the time."""
    monkeypatch.setattr(client, "_REST_SECONDS", 0.1)
    monkeypatch.setattr(random, "uniform", lambda low, _: low / 10)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def call(
    server: Server,
    patience: float = 5,
    late: float | None = None,
    make: Callable[[grpc.aio.Channel], Awaitable[bytes]] = once,
) -> bytes:
    async def run() -> bytes:
        replicas = connect(server.address)
        if late is not None:
            asyncio.get_running_loop().call_later(late, server.start)
        try:
            return await repeat(replicas, make, "test", patience)
        finally:
            await replicas.close()

    return asyncio.run(run())


def test_client_waits_for_a_late_service(server: Server) -> None:
    assert call(server, patience=20, late=1.0) == b"done"
    assert server.calls == 1


def test_client_gives_up_on_an_unavailable_service(server: Server) -> None:
    with pytest.raises(UnavailableError, match="was unavailable"):
        call(server, patience=1)


def test_failing_service_is_called_a_few_times(server: Server) -> None:
    def broken(context: grpc.ServicerContext) -> bytes:
        raise RuntimeError

    server.answer = broken
    server.start()
    with pytest.raises(ServiceError, match="failed 4 times"):
        call(server, patience=60)
    assert server.calls == 4


def test_overloaded_service_is_retried_until_it_is_free(server: Server) -> None:
    def busy(context: grpc.ServicerContext) -> bytes:
        if server.calls < 6:
            context.set_trailing_metadata((("poseway-code", "overloaded"),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "later")
        return b"done"

    server.answer = busy
    server.start()
    assert call(server, patience=60) == b"done"
    assert server.calls == 6


def test_oversized_message_is_not_resent(server: Server) -> None:
    """The status with which gRPC itself refuses a message."""

    def refuse(context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max")

    server.answer = refuse
    server.start()
    with pytest.raises(InvalidRequestError, match="larger than max"):
        call(server, patience=60)
    assert server.calls == 1


def test_rejection_is_final_and_keeps_message_and_code(server: Server) -> None:
    def refuse(context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata((("poseway-code", "unknown_model"),))
        context.abort(grpc.StatusCode.NOT_FOUND, "There is no such model.")

    server.answer = refuse
    server.start()
    with pytest.raises(NotFoundError, match="no such model") as caught:
        call(server)
    assert caught.value.code == "unknown_model"
    assert server.calls == 1


def too_old(context: grpc.ServicerContext) -> bytes:
    context.set_trailing_metadata((("poseway-code", STATE_NEWER),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "The state is of version 3.")


def test_replica_of_an_old_version_is_skipped(server: Server) -> None:
    def at_last_new(context: grpc.ServicerContext) -> bytes:
        return b"done" if server.calls > 3 else too_old(context)

    server.answer = at_last_new
    server.start()
    assert call(server, patience=20) == b"done"


def test_replica_without_the_method_is_skipped(server: Server) -> None:
    def at_last_new(context: grpc.ServicerContext) -> bytes:
        if server.calls < 6:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
        return b"done"

    server.answer = at_last_new
    server.start()
    assert call(server, patience=60) == b"done"


def test_call_that_never_started_is_not_a_try() -> None:
    server = Server(threads=1)
    begun, release = threading.Event(), threading.Event()

    def slow(context: grpc.ServicerContext) -> bytes:
        begun.set()
        release.wait(60)
        return b"done"

    async def run() -> tuple[bytes, int]:
        replicas = connect(server.address)
        tried = 0

        async def impatient(channel: grpc.aio.Channel) -> bytes:
            nonlocal tried
            tried += 1
            if tried == 7:
                release.set()
            return await once(channel, 0.1 if tried < 7 else 20)

        try:
            first = asyncio.create_task(repeat(replicas, once, "test", 60))
            await asyncio.to_thread(begun.wait, 60)
            answer = await repeat(replicas, impatient, "test", 60)
            await first
            return answer, tried
        finally:
            await replicas.close()

    server.answer = slow
    server.start()
    try:
        assert asyncio.run(run()) == (b"done", 7)
    finally:
        release.set()
        server.stop()


class EarlyEnd(grpc.ServerInterceptor):
    """Ends the first calls before they reach their method, like gRPC in a stopping server."""

    calls = 0

    def __init__(self, make: Callable[..., Any], status: grpc.StatusCode) -> None:
        self._make, self._status = make, status

    def intercept_service(
        self, continuation: Callable[..., Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:  # noqa: ANN401 # a handler
        self.calls += 1
        if self.calls > 6:
            return continuation(handler_call_details)
        return self._make(lambda _, context: context.abort(self._status, "gone"))


def test_call_cancelled_before_its_start_is_not_a_try() -> None:
    server = Server(8, EarlyEnd(grpc.unary_unary_rpc_method_handler, grpc.StatusCode.CANCELLED))
    server.start()
    try:
        assert call(server, patience=60) == b"done"
    finally:
        server.stop()


def test_call_cancelled_after_its_start_is_a_try(server: Server) -> None:
    server.answer = lambda context: context.abort(grpc.StatusCode.CANCELLED, "CANCELLED")
    server.start()
    with pytest.raises(ServiceError, match="failed 4 times"):
        call(server, patience=60)
    assert server.calls == 4


def refusals(server: Server, calls: int = 100) -> set[grpc.StatusCode]:
    """Status codes of calls that send more than the buffers hold."""

    async def refused(channel: grpc.aio.Channel) -> grpc.StatusCode:
        method: Any = channel.stream_unary("/test/Stream")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(b"frame" * size for size in (1, *[60_000] * 4))
        return caught.value.code()

    async def run() -> set[grpc.StatusCode]:
        async with grpc.aio.insecure_channel(server.address) as channel:
            return {await refused(channel) for _ in range(calls)}

    return asyncio.run(run())


def test_client_that_is_still_sending_learns_that_the_server_stops(server: Server) -> None:
    server.stopping.set()
    server.start()
    assert refusals(server) == {grpc.StatusCode.UNAVAILABLE}
    assert server.calls == 0


def test_client_that_is_still_sending_learns_that_the_server_is_overloaded(server: Server) -> None:
    def busy(context: grpc.ServicerContext) -> bytes:
        raise OverloadedError("later")

    server.answer = busy
    server.start()
    assert refusals(server) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert server.calls == 100


def test_call_with_unknown_status_that_never_started_is_not_a_try() -> None:
    async def send(channel: grpc.aio.Channel) -> bytes:
        method: Any = channel.stream_unary("/test/Stream")
        return bytes(await method(b"frame" * 60_000 for _ in range(5)))

    server = Server(8, EarlyEnd(grpc.stream_unary_rpc_method_handler, grpc.StatusCode.UNAVAILABLE))
    server.start()
    try:
        assert call(server, patience=60, make=send) == b"done"
    finally:
        server.stop()


def test_service_without_the_method_counts_as_unavailable(server: Server) -> None:
    def old(context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")

    server.answer = old
    server.start()
    # So the job is handed back, which does not count as an attempt.
    with pytest.raises(UnavailableError, match="Method not found"):
        call(server, patience=1)
    assert server.calls > 1


def test_error_says_that_all_replicas_are_too_old(server: Server) -> None:
    server.answer = too_old
    server.start()
    with pytest.raises(IncompatibleError, match="version 3") as refused:
        call(server, patience=1)
    assert refused.value.code == STATE_NEWER
    assert server.calls > 1
