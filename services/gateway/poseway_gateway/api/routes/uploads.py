"""Multipart uploads: beginning, inspecting, completing and deleting them."""

import asyncio
from functools import partial
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from poseway import filenames
from poseway.errors import ConflictError, PosewayError
from poseway.jobs import Job, JobOptions, new_job_id
from poseway_gateway.api.dependencies import (
    CallerDep,
    IdempotencyKey,
    KnownUpload,
    ModelChoiceDep,
    SettingsDep,
    SubmissionDep,
    UploadLocksDep,
    UploadsDep,
)
from poseway_gateway.api.uploads.idempotency import fingerprint
from poseway_gateway.api.uploads.upload_view import Upload, view
from poseway_gateway.api.web.error_codes import documented
from poseway_gateway.api.webhooks.url import WEBHOOK_DESCRIPTION, check_webhook

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], responses=documented("unavailable"))


class Options(JobOptions):
    """Options of a job; unknown names are rejected."""

    model_config = ConfigDict(extra="forbid")


class NewUpload(BaseModel):
    """The file to upload, and the options of its job."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "run.mp4", "size": 20_000_000, "options": {"trails": True}}]
        }
    )

    name: str = Field(min_length=1, max_length=1000, description="Name of the file.")
    size: int = Field(ge=1, description="Size of the file in bytes.")
    options: Options = Field(default_factory=Options, description="Options of the job.")
    webhook_url: str | None = Field(None, description=WEBHOOK_DESCRIPTION)


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
    new: NewUpload,
    response: Response,
    settings: SettingsDep,
    uploads: UploadsDep,
    submission: SubmissionDep,
    models: ModelChoiceDep,
    caller: CallerDep,
    key: IdempotencyKey = None,
) -> Upload:
    """Begins a multipart upload, which survives broken connections.

    PUT each part, in any order and several at a time, then complete the upload. After an
    interruption, GET the upload to see which parts have arrived.
    """
    name, webhook_url = filenames.given(new.name), check_webhook(new.webhook_url)
    options = models.chosen(JobOptions(**dict(new.options)))
    upload_id = new_job_id()
    request_print = fingerprint(name, new.size, options, webhook_url)
    owner = caller.owner
    exists = partial(uploads.exists, owner=owner)
    async with submission.claimed(caller, key, upload_id, request_print, exists) as known:
        if known == upload_id:
            # Charged now: an upload that is never completed takes up storage as well.
            await caller.charge(new.size)
            try:
                record = await asyncio.to_thread(
                    uploads.begin, upload_id, name, new.size, options, owner, webhook_url, key
                )
            except PosewayError:
                await caller.refund(new.size)
                raise
        else:
            response.headers["Idempotency-Replayed"] = "true"
            record = await asyncio.to_thread(uploads.find, known, owner)
    response.headers["Location"] = f"/v1/uploads/{record.id}"
    return await asyncio.to_thread(view, uploads, record, direct=_is_direct(settings))


@router.get("/{upload_id}", responses=_UNKNOWN)
def get_upload(record: KnownUpload, uploads: UploadsDep, settings: SettingsDep) -> Upload:
    """Returns an upload and the parts that have arrived."""
    return view(uploads, record, direct=_is_direct(settings))


@router.post(
    "/{upload_id}/complete",
    status_code=HTTPStatus.CREATED,
    responses={
        200: {"model": Job, "description": "The upload was completed before"},
        **documented("upload_not_found", "upload_incomplete", "unavailable"),
    },
)
async def complete_upload(
    record: KnownUpload,
    response: Response,
    uploads: UploadsDep,
    submission: SubmissionDep,
    caller: CallerDep,
    locks: UploadLocksDep,
) -> Job:
    """Completes an upload whose parts have all arrived, and queues its job. Safe to repeat."""
    async with locks.lock(record.id):
        if await asyncio.to_thread(submission.knows, record.id):
            response.status_code = HTTPStatus.OK
            job = await submission.earlier(record.id)
        else:
            await asyncio.to_thread(uploads.complete, record)
            try:
                await asyncio.to_thread(uploads.mark_completing, record)
                job = await submission.accept(record.job(), caller, repeatable=True, charged=True)
            except ConflictError:  # another gateway completed the same upload
                response.status_code = HTTPStatus.OK
                job = await submission.earlier(record.id)
        await asyncio.to_thread(uploads.forget, record.id)
    response.headers["Location"] = job.links["self"]
    return job


@router.delete(
    "/{upload_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=documented("upload_not_found", "upload_complete", "unavailable"),
)
async def delete_upload(
    record: KnownUpload,
    uploads: UploadsDep,
    submission: SubmissionDep,
    caller: CallerDep,
    locks: UploadLocksDep,
) -> Response:
    """Deletes an upload and all parts that have arrived."""
    async with locks.lock(record.id):
        # Succeeds for one request only, across all gateways, so that nothing is refunded twice.
        await asyncio.to_thread(uploads.mark_discarded, record)
        await submission.forget(record.owner, record.claim)
        if record.begun_today:
            await caller.refund(record.size)
        await asyncio.to_thread(uploads.discard, record)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _is_direct(settings: SettingsDep) -> bool:
    return settings.s3_public_endpoint is not None
