"""A job out of many requests: its video comes in parts."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from poseway import filenames
from poseway.errors import ConflictError, InvalidRequestError, NotFoundError, PosewayError
from poseway.jobs import Job, JobId, JobOptions, new_job_id, now
from poseway_gateway.api.dependencies import (
    CallerDep,
    IdempotencyKey,
    ModelChoiceDep,
    PartRelayDep,
    SettingsDep,
    SubmissionDep,
    UploadLocksDep,
    UploadsDep,
)
from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.api.uploads.arriving_body import arriving
from poseway_gateway.api.uploads.idempotency import fingerprint
from poseway_gateway.api.uploads.multipart_uploads import MultipartUploads, complete
from poseway_gateway.api.uploads.upload_record import UploadRecord
from poseway_gateway.api.web.error_codes import documented
from poseway_gateway.api.webhooks.url import WEBHOOK_SAYS, check_webhook

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], responses=documented("unavailable"))

_URL_SECONDS: Final = 3600


class Options(JobOptions):
    """What the user may choose; unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class NewUpload(BaseModel):
    """What is to be uploaded."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "run.mp4", "size": 20_000_000, "options": {"trails": True}}]
        }
    )

    name: str = Field(min_length=1, max_length=1000, description="Name of the file.")
    size: int = Field(ge=1, description="Its bytes.")
    options: Options = Field(default_factory=Options, description="Options of the job.")
    webhook_url: str | None = Field(None, description=WEBHOOK_SAYS)


class Part(BaseModel):
    """A part that has arrived."""

    number: int = Field(description="From 1.")
    size: int = Field(description="Its bytes.")


class Upload(BaseModel):
    """An upload, as far as it is."""

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

    id: JobId = Field(description="Becomes the job's.")
    name: str
    size: int
    part_bytes: int = Field(description="Bytes of every part but the last.")
    parts: list[Part] = Field(description="Those that have arrived.")
    complete: bool = Field(description="Whether it was completed: it is a job then.")
    direct: bool = Field(description="Whether parts may go straight to object storage.")
    expires_at: datetime = Field(description="Parts are taken until then.")
    links: dict[str, str] = Field(description="Where it goes on.")


class PartUrl(BaseModel):
    """Where a part can be PUT without the gateway."""

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

    url: str = Field(description="PUT the bytes of the part here, all and no more.")
    expires_at: datetime


UploadIdPath = Annotated[JobId, Path(description="Id of the upload.")]
NumberPath = Annotated[int, Path(ge=1, le=10_000, description="Number of the part, from 1.")]


def _pending(upload_id: UploadIdPath, caller: CallerDep, uploads: UploadsDep) -> UploadRecord:
    return uploads.find(upload_id, caller.owner)


KnownUpload = Annotated[UploadRecord, Depends(_pending)]
_UNKNOWN: Final = documented("upload_not_found", "unavailable")


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses=documented(
        "quota_exceeded",
        "too_large",
        "idempotency_in_progress",
        "invalid_webhook",
        "unknown_model",
        "model_missing",
        "idempotency_key_reused",
        "unavailable",
    ),
)
async def begin_upload(
    wish: NewUpload,
    response: Response,
    settings: SettingsDep,
    uploads: UploadsDep,
    submission: SubmissionDep,
    models: ModelChoiceDep,
    caller: CallerDep,
    key: IdempotencyKey = None,
) -> Upload:
    """Begins an upload in parts, which a broken connection does not undo.

    Then PUT each part, in any order and several at a time, and complete the upload. After a break,
    GET it: it says which parts have arrived.
    """
    name, webhook_url = filenames.given(wish.name), check_webhook(wish.webhook_url)
    options = models.chosen(JobOptions(**dict(wish.options)))
    upload_id = new_job_id()
    asked = fingerprint(name, wish.size, options, webhook_url)
    owner = caller.owner
    exists = partial(uploads.exists, owner=owner)
    async with submission.claimed(caller, key, upload_id, asked, exists) as known:
        if known == upload_id:
            # Now, since what is begun and never completed is stored as well.
            await caller.charge(wish.size)
            try:
                pending = await asyncio.to_thread(
                    uploads.begin, upload_id, name, wish.size, options, owner, webhook_url, key
                )
            except PosewayError:
                await caller.refund(wish.size)
                raise
        else:
            response.headers["Idempotency-Replayed"] = "true"
            pending = await asyncio.to_thread(uploads.find, known, owner)
    response.headers["Location"] = f"/v1/uploads/{pending.id}"
    return await asyncio.to_thread(_view, uploads, pending, settings)


@router.get("/{upload_id}", responses=_UNKNOWN)
def get_upload(pending: KnownUpload, uploads: UploadsDep, settings: SettingsDep) -> Upload:
    """Shows an upload: which parts have arrived."""
    return _view(uploads, pending, settings)


@router.put(
    "/{upload_id}/parts/{number}",
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
    pending: KnownUpload,
    number: NumberPath,
    request: Request,
    relay: PartRelayDep,
    uploads: UploadsDep,
) -> Response:
    """Takes a part. One that is sent again replaces the first."""
    request.state.body_unread = True
    if not pending.storage_id:
        raise complete(pending.id)
    size = pending.bytes_of(number)
    length = request.headers.get("content-length", "")
    if length != str(size):
        raise InvalidRequestError(
            f"Part {number} has {size} bytes; send exactly these, and their Content-Length.",
            "wrong_part",
        )
    url = uploads.multipart(pending).part_url(number, size, _URL_SECONDS)
    await relay.put(url, arriving(request), size)
    request.state.body_unread = False
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/{upload_id}/parts/{number}/url",
    responses=documented(
        "upload_not_found", "not_direct", "upload_complete", "wrong_part", "unavailable"
    ),
)
def get_part_url(
    pending: KnownUpload, number: NumberPath, uploads: UploadsDep, settings: SettingsDep
) -> PartUrl:
    """An address of the object storage itself, to PUT a part to; for uploads that are `direct`."""
    if not pending.storage_id:
        raise complete(pending.id)
    size = pending.bytes_of(number)
    if settings.s3_public_endpoint is None:
        raise NotFoundError(
            f"Parts go through the gateway here: PUT them to /v1/uploads/{pending.id}"
            f"/parts/{number}.",
            "not_direct",
        )
    url = uploads.multipart(pending).part_url(number, size, _URL_SECONDS, public=True)
    return PartUrl(url=url, expires_at=now() + timedelta(seconds=_URL_SECONDS))


@router.post(
    "/{upload_id}/complete",
    status_code=HTTPStatus.CREATED,
    responses={
        200: {"model": Job, "description": "It was completed before"},
        **documented("upload_not_found", "upload_incomplete", "unavailable"),
    },
)
async def complete_upload(
    pending: KnownUpload,
    response: Response,
    uploads: UploadsDep,
    submission: SubmissionDep,
    caller: CallerDep,
    locks: UploadLocksDep,
) -> Job:
    """Makes an upload whose parts have all arrived a job, and queues that. May be repeated."""
    async with locks.of(pending.id):
        if await asyncio.to_thread(submission.knows, pending.id):
            response.status_code = HTTPStatus.OK
            job = await submission.earlier(pending.id)
        else:
            await asyncio.to_thread(uploads.complete, pending)
            try:
                await asyncio.to_thread(uploads.take, pending)
                job = await submission.accept(pending.job(), caller, repeatable=True, charged=True)
            except ConflictError:  # another gateway was asked the same
                response.status_code = HTTPStatus.OK
                job = await submission.earlier(pending.id)
        await asyncio.to_thread(uploads.forget, pending.id)
    response.headers["Location"] = job.links["self"]
    return job


@router.delete(
    "/{upload_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=documented("upload_not_found", "upload_complete", "unavailable"),
)
async def delete_upload(
    pending: KnownUpload,
    uploads: UploadsDep,
    submission: SubmissionDep,
    caller: CallerDep,
    locks: UploadLocksDep,
) -> Response:
    """Throws an upload away, with all that has arrived of it."""
    async with locks.of(pending.id):
        # Whoever gets past this is the only one, over all gateways, who takes anything back.
        await asyncio.to_thread(uploads.throw_away, pending)
        await submission.forget(pending.owner, pending.claim)
        if pending.begun_today:
            await caller.refund(pending.size)
        await asyncio.to_thread(uploads.abandon, pending)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _view(uploads: MultipartUploads, pending: UploadRecord, settings: ApiSettings) -> Upload:
    arrived = uploads.arrived(pending)
    if arrived is None:
        arrived = {n: pending.bytes_of(n) for n in range(1, pending.parts + 1)}
    place = f"/v1/uploads/{pending.id}"
    return Upload(
        id=pending.id,
        name=pending.name,
        size=pending.size,
        part_bytes=pending.part_bytes,
        parts=[Part(number=n, size=size) for n, size in sorted(arrived.items())],
        complete=not pending.storage_id,
        direct=settings.s3_public_endpoint is not None,
        expires_at=pending.expires_at,
        links={
            "self": place,
            "part": f"{place}/parts/{{number}}",
            "complete": f"{place}/complete",
            "job": f"/v1/jobs/{pending.id}",
        },
    )
