"""Tells whoever starts and stops the dispatcher whether it is well."""

import asyncio
from contextlib import suppress
from typing import Final

_HEAD_BYTES: Final = 8192
_PATIENCE_SECONDS: Final = 5.0


class Health:
    """Answers HTTP from the loop that runs the jobs, so it is silent when the loop stands still.

    ``/readyz`` is answered 503 until jobs can be taken; everything else is answered 200.

    Attributes:
        ready: Whether jobs can be taken.
    """

    def __init__(self) -> None:
        self.ready = False

    async def serve(self, port: int) -> asyncio.Server:
        """Begins to serve on all addresses; 0 takes a free port.

        Raises:
            OSError: The port is taken.
        """
        return await asyncio.start_server(self._talk, "0.0.0.0", port, limit=_HEAD_BYTES)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Who sends something else than a request, is slow or goes away gets no answer.
        wrong = (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, TimeoutError)
        with suppress(*wrong):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        writer.close()

    def _answer(self, head: bytes) -> bytes:
        """The whole answer to a request."""
        asks_readiness = head.split(b" ")[1:2] == [b"/readyz"]
        ok = self.ready or not asks_readiness
        status = b"200 OK" if ok else b"503 Service Unavailable"
        return b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status
