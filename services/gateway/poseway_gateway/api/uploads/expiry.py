"""Periodic deletion of uploads that were not completed in time."""

import asyncio
from typing import Final

import structlog

from poseway.errors import PosewayError
from poseway.storage import ObjectStore
from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.api.uploads.multipart_uploads import MultipartUploads

log = structlog.get_logger(__name__)

_INTERVAL_SECONDS: Final = 3600.0


async def expire_forever(store: ObjectStore, settings: ApiSettings) -> None:
    """Deletes expired uploads every hour until cancelled; several gateways may do so at once."""
    uploads = MultipartUploads(store, settings.max_upload_bytes, settings.upload_seconds)
    while True:
        try:
            if count := await asyncio.to_thread(uploads.expire):
                log.info("expired uploads deleted", uploads=count)
        except PosewayError as error:
            log.warning("expired uploads not deleted", reason=error.message)
        except Exception:
            log.exception("expired uploads not deleted")
        await asyncio.sleep(_INTERVAL_SECONDS)
