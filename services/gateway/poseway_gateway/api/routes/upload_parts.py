"""Sending the parts of an upload, through the gateway or directly to object storage."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from poseway.errors import InvalidRequestError, NotFoundError
from poseway.jobs import now
from poseway_gateway.api.dependencies import KnownUpload, PartRelayDep, SettingsDep, UploadsDep
from poseway_gateway.api.uploads.arriving_body import arriving
from poseway_gateway.api.uploads.multipart_uploads import already_complete
from poseway_gateway.api.web.error_codes import documented

router = APIRouter(
    prefix="/v1/uploads/{upload_id}/parts", tags=["uploads"], responses=documented("unavailable")
)

_URL_SECONDS: Final = 3600


class PartUrl(BaseModel):
    """A signed URL to which a part can be sent without passing through the gateway."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": "https://s3.example.org/poseway/uploads/…?X-Amz-Signature=…",
                    "expires_at": "2026-07-02T12:00:00Z",
                }
            ]
        }
    )

    url: str = Field(description="URL to PUT exactly the bytes of the part to.")
    expires_at: datetime = Field(description="Time until which the URL is valid.")


NumberPath = Annotated[int, Path(ge=1, le=10_000, description="Number of the part, from 1.")]


@router.put(
    "/{number}",
    status_code=HTTPStatus.NO_CONTENT,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {
                    "schema": {"type": "string", "format": "binary", "minLength": 1}
                }
            },
        }
    },
    responses=documented(
        "incomplete_upload", "upload_not_found", "upload_complete", "wrong_part", "unavailable"
    ),
)
async def put_part(
    record: KnownUpload,
    number: NumberPath,
    request: Request,
    relay: PartRelayDep,
    uploads: UploadsDep,
) -> Response:
    """Accepts a part. A part that is sent again replaces the earlier one."""
    request.state.body_unread = True
    if not record.storage_id:
        raise already_complete(record.id)
    size = record.bytes_of(number)
    length = request.headers.get("content-length", "")
    if length != str(size):
        raise InvalidRequestError(
            f"Part {number} has {size} bytes. Send exactly these, with their Content-Length.",
            "wrong_part",
        )
    url = uploads.multipart(record).part_url(number, size, _URL_SECONDS)
    await relay.put(url, arriving(request), size)
    request.state.body_unread = False
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/{number}/url",
    responses=documented(
        "upload_not_found", "not_direct", "upload_complete", "wrong_part", "unavailable"
    ),
)
def get_part_url(
    record: KnownUpload, number: NumberPath, uploads: UploadsDep, settings: SettingsDep
) -> PartUrl:
    """Returns a signed URL of object storage to PUT a part to, for uploads that are `direct`."""
    if not record.storage_id:
        raise already_complete(record.id)
    size = record.bytes_of(number)
    if settings.s3_public_endpoint is None:
        raise NotFoundError(
            f"This gateway accepts parts itself: PUT them to /v1/uploads/{record.id}"
            f"/parts/{number}.",
            "not_direct",
        )
    url = uploads.multipart(record).part_url(number, size, _URL_SECONDS, public=True)
    return PartUrl(url=url, expires_at=now() + timedelta(seconds=_URL_SECONDS))
