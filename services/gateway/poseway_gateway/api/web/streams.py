"""Sending what comes out of object storage."""

from collections.abc import Generator, Iterator, Mapping
from typing import cast

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send


class StoredResponse(StreamingResponse):
    """Sends an object, or what is made of it, and lets go of it however the sending ends."""

    def __init__(
        self,
        source: Iterator[bytes],
        content: Iterator[bytes],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        """Prepares a response.

        Args:
            source: The object, as `ObjectStore.stream` reads it.
            content: What is sent: `source` itself, or a generator that reads it.
            status_code: As HTTP has it.
            headers: More headers.
            media_type: Of the content.
        """
        super().__init__(content, status_code, headers, media_type)
        self._source = cast("Generator[bytes]", source)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A client that hangs up leaves the generator in its midst, with a connection open.
            await run_in_threadpool(self._source.close)
