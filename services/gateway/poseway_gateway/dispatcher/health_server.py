"""Liveness and readiness probes of the dispatcher over HTTP."""

import asyncio
from contextlib import suppress
from typing import Final

_HEAD_BYTES: Final = 8192
_TIMEOUT_SECONDS: Final = 5.0


class Health:
    """Serves HTTP from the event loop that runs the jobs, so a blocked loop fails the probe.

    ``/readyz`` returns 503 until jobs can be taken. Every other path returns 200.

    Attributes:
        ready: Whether jobs can be taken.
    """

    def __init__(self) -> None:
        self.ready = False

    async def serve(self, port: int) -> asyncio.Server:
        """Starts to serve on all addresses. Port 0 picks a free one.

        Raises:
            OSError: The port is in use.
        """
        return await asyncio.start_server(self._talk, "0.0.0.0", port, limit=_HEAD_BYTES)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Clients that send something else, are too slow or disconnect get no response.
        wrong = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError)
        with suppress(*wrong):
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        writer.close()

    def _answer(self, head: bytes) -> bytes:
        """The complete HTTP response to a request."""
        asks_readiness = head.split(b" ")[1:2] == [b"/readyz"]
        ok = self.ready or not asks_readiness
        status = b"200 OK" if ok else b"503 Service Unavailable"
        return b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status
