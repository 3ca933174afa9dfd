"""The body of a request while it arrives."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import prometheus_client
import structlog
from starlette.requests import ClientDisconnect, Request

from poseway.errors import InvalidRequestError

log = structlog.get_logger(__name__)

_UPLOADS: Final = prometheus_client.Gauge(
    "poseway_uploads_in_progress", "Videos, and parts of them, that arrive at the gateway."
)
_BYTES: Final = prometheus_client.Counter(
    "poseway_upload_bytes", "Bytes of videos that arrived at the gateway."
)

SILENCE_SECONDS: Final = 30.0
"""A sender who is silent for so long is gone: phones vanish without a word."""


async def arriving(request: Request, seconds: float = SILENCE_SECONDS) -> AsyncIterator[bytes]:
    """Yields a body piece by piece.

    Raises:
        InvalidRequestError: It broke off, or nothing came for `seconds` (``incomplete_upload``).
    """
    pieces = request.stream()
    with _UPLOADS.track_inprogress():
        async for piece in _timed(pieces, seconds):
            _BYTES.inc(len(piece))
            yield piece


async def _timed(pieces: AsyncIterator[bytes], seconds: float) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(seconds):
                piece = await anext(pieces, None)
        except (ClientDisconnect, TimeoutError) as gone:
            silent = isinstance(gone, TimeoutError)
            log.info("the client hung up during an upload", silent=silent)
            raise InvalidRequestError(
                "The upload broke off. Send it again.", "incomplete_upload"
            ) from gone
        if piece is None:
            return
        yield piece
