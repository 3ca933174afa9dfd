"""Request bodies that are read while they arrive."""

from collections.abc import AsyncIterator
from typing import Final

import prometheus_client
import structlog
from starlette.requests import ClientDisconnect, Request

from poseway.errors import InvalidRequestError

log = structlog.get_logger(__name__)

_UPLOADS: Final = prometheus_client.Gauge(
    "poseway_uploads_in_progress", "Videos, and parts of videos, that are being received."
)
_BYTES: Final = prometheus_client.Counter(
    "poseway_upload_bytes", "Bytes of videos that were received."
)


async def arriving(request: Request) -> AsyncIterator[bytes]:
    """Yields the body of a request piece by piece.

    Raises:
        InvalidRequestError: The body broke off (``incomplete_upload``).
    """
    try:
        with _UPLOADS.track_inprogress():
            async for piece in request.stream():
                _BYTES.inc(len(piece))
                yield piece
    except ClientDisconnect as gone:
        log.info("client disconnected during an upload")
        raise InvalidRequestError(
            "The upload broke off. Send it again.", "incomplete_upload"
        ) from gone
