"""A gRPC service with one method, for tests of its callers."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from poseway.local.ports import free_ports
from poseway.rpc.server import ErrorInterceptor

Answer = Callable[[grpc.ServicerContext], bytes]


class Server:
    """Answers ``/test/Call``, and ``/test/Stream`` after the first of its requests.

    It has the interceptor of all services.
    """

    def __init__(self, threads: int = 64, *before: grpc.ServerInterceptor) -> None:
        self.address = f"127.0.0.1:{free_ports(1)[0]}"
        self.calls = 0
        self.answer: Answer = lambda context: b"done"
        self.stopping = threading.Event()
        self._server = grpc.server(
            ThreadPoolExecutor(threads), interceptors=[*before, ErrorInterceptor(self.stopping)]
        )
        methods: dict[str, Any] = {
            "Call": grpc.unary_unary_rpc_method_handler(self._call),
            "Stream": grpc.stream_unary_rpc_method_handler(self._stream),
        }
        handler = grpc.method_handlers_generic_handler("test", methods)
        self._server.add_generic_rpc_handlers((handler,))

    def start(self) -> None:
        # Not before: a port that is open and does not answer is another fault than none.
        self._server.add_insecure_port(self.address)
        self._server.start()

    def stop(self, grace: float | None = None) -> threading.Event:
        return self._server.stop(grace)

    def _call(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.calls += 1
        return self.answer(context)

    def _stream(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        return self._call(next(requests), context)


async def once(channel: grpc.aio.Channel, seconds: float = 20) -> bytes:
    """Calls the method with a deadline."""
    method: Any = channel.unary_unary("/test/Call")
    return bytes(await method(b"", timeout=seconds))
