"""Multipart uploads as the API shows them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from poseway.jobs import JobId
from poseway_gateway.api.uploads.multipart_uploads import MultipartUploads
from poseway_gateway.api.uploads.upload_record import UploadRecord


class Part(BaseModel):
    """A part that has arrived."""

    number: int = Field(description="Number of the part, from 1.")
    size: int = Field(description="Size of the part in bytes.")


class Upload(BaseModel):
    """A multipart upload and its progress."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0123456789abcdef0123456789abcdef",
                    "name": "run.mp4",
                    "size": 20_000_000,
                    "part_bytes": 8_388_608,
                    "parts": [{"number": 1, "size": 8_388_608}],
                    "complete": False,
                    "direct": False,
                    "expires_at": "2026-07-02T12:00:00Z",
                    "links": {
                        "self": "/v1/uploads/0123456789abcdef0123456789abcdef",
                        "part": "/v1/uploads/0123456789abcdef0123456789abcdef/parts/{number}",
                        "complete": "/v1/uploads/0123456789abcdef0123456789abcdef/complete",
                        "job": "/v1/jobs/0123456789abcdef0123456789abcdef",
                    },
                }
            ]
        }
    )

    id: JobId = Field(description="Id of the upload, and later of its job.")
    name: str = Field(description="Name of the file.")
    size: int = Field(description="Size of the file in bytes.")
    part_bytes: int = Field(description="Size in bytes of every part except the last.")
    parts: list[Part] = Field(description="Parts that have arrived.")
    complete: bool = Field(description="Whether the upload was completed and is now a job.")
    direct: bool = Field(description="Whether parts may be sent directly to object storage.")
    expires_at: datetime = Field(description="Time until which parts are accepted.")
    links: dict[str, str] = Field(description="Paths for the next steps.")


def view(uploads: MultipartUploads, record: UploadRecord, *, direct: bool) -> Upload:
    """Returns an upload as the API shows it.

    Args:
        uploads: All multipart uploads.
        record: The record of the upload.
        direct: Whether clients can reach object storage.

    Raises:
        NotFoundError: The parts are gone.
    """
    arrived = uploads.arrived(record)
    if arrived is None:
        arrived = {number: record.bytes_of(number) for number in range(1, record.parts + 1)}
    base = f"/v1/uploads/{record.id}"
    return Upload(
        id=record.id,
        name=record.name,
        size=record.size,
        part_bytes=record.part_bytes,
        parts=[Part(number=number, size=size) for number, size in sorted(arrived.items())],
        complete=not record.storage_id,
        direct=direct,
        expires_at=record.expires_at,
        links={
            "self": base,
            "part": f"{base}/parts/{{number}}",
            "complete": f"{base}/complete",
            "job": f"/v1/jobs/{record.id}",
        },
    )
