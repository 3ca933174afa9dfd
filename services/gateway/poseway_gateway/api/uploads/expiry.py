"""Throwing away, every now and then, uploads that nobody goes on with."""

import asyncio
from typing import Final

import structlog

from poseway.errors import PosewayError
from poseway.storage import ObjectStore
from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.api.uploads.multipart_uploads import MultipartUploads

log = structlog.get_logger(__name__)

_EVERY_SECONDS: Final = 3600.0


async def expire_forever(store: ObjectStore, settings: ApiSettings) -> None:
    """Sweeps until it is cancelled; several gateways may."""
    uploads = MultipartUploads(store, settings.max_upload_bytes, settings.upload_seconds)
    while True:
        try:
            if count := await asyncio.to_thread(uploads.sweep):
                log.info("threw unfinished uploads away", uploads=count)
        except PosewayError as error:
            log.warning("not swept", reason=error.message)
        except Exception:
            log.exception("not swept")
        await asyncio.sleep(_EVERY_SECONDS)
