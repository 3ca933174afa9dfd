"""Creating a job with one request: a form with the video and the options."""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from poseway.jobs import Job, JobOptions, JobRequest, Keys, new_job_id, now
from poseway.storage import ObjectWriter
from poseway_gateway.api.dependencies import (
    CallerDep,
    IdempotencyKey,
    MemoryBudgetDep,
    ModelChoiceDep,
    SettingsDep,
    StoreDep,
    SubmissionDep,
)
from poseway_gateway.api.errors import too_large
from poseway_gateway.api.jobs.model_choice import ModelChoice
from poseway_gateway.api.uploads.arriving_body import arriving
from poseway_gateway.api.uploads.idempotency import fingerprint
from poseway_gateway.api.uploads.multipart_form import MultipartForm
from poseway_gateway.api.uploads.options_form import parse_options
from poseway_gateway.api.web.error_codes import documented
from poseway_gateway.api.webhooks.url import WEBHOOK_DESCRIPTION, WEBHOOK_FIELD, check_webhook

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_CHUNK: Final = 1 << 20
_FORM_OVERHEAD: Final = 64 << 10
# `ObjectWriter` holds three parts of a large upload: the first, the current one, and its copy.
_MEMORY: Final = 27 << 20


def _fields() -> dict[str, Any]:
    """Returns the options as form fields in JSON Schema, with references to types resolved."""
    schema = JobOptions.model_json_schema(mode="serialization")
    types = schema.get("$defs", {})

    def resolved(field: dict[str, Any]) -> dict[str, Any]:
        found = {**types.get(field.pop("$ref", "").rsplit("/", 1)[-1], {}), **field}
        if "anyOf" in found:
            found["anyOf"] = [resolved(one) for one in found["anyOf"]]
        return found

    return {name: resolved(field) for name, field in schema["properties"].items()}


_FORM_SCHEMA: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["video"],
                    "properties": {
                        "video": {
                            "type": "string",
                            "format": "binary",
                            "minLength": 1,
                            "description": "Video or image, in any format that FFmpeg reads.",
                        },
                        WEBHOOK_FIELD: {"type": "string", "description": WEBHOOK_DESCRIPTION},
                        **_fields(),
                    },
                }
            }
        },
    }
}
_ERRORS: Final = documented(
    "not_a_form",
    "incomplete_upload",
    "empty_file",
    "idempotency_in_progress",
    "too_large",
    "missing_video",
    "several_videos",
    "unknown_field",
    "invalid_options",
    "invalid_webhook",
    "unknown_model",
    "model_missing",
    "idempotency_key_reused",
    "quota_exceeded",
    "overloaded",
    "unavailable",
)


@router.post("", status_code=HTTPStatus.CREATED, openapi_extra=_FORM_SCHEMA, responses=_ERRORS)
async def create_job(
    request: Request,
    response: Response,
    settings: SettingsDep,
    store: StoreDep,
    submission: SubmissionDep,
    models: ModelChoiceDep,
    caller: CallerDep,
    budget: MemoryBudgetDep,
    key: IdempotencyKey = None,
) -> Job:
    """Uploads a video and queues its job. The body is streamed into object storage as it arrives.

    Use `POST /v1/uploads` instead for large videos and unreliable connections.
    """
    request.state.body_unread = True
    announced = int(request.headers.get("content-length", 0))
    if announced > settings.max_upload_bytes + _FORM_OVERHEAD:
        raise too_large(settings.max_upload_bytes)
    if key is None:  # otherwise the request may repeat a job that was counted
        await caller.expect(max(0, announced - _FORM_OVERHEAD))
    job_id = new_job_id()
    async with budget.lend(min(announced or _MEMORY, _MEMORY)):
        writer = ObjectWriter(store, Keys(job_id).upload, "application/octet-stream")
        form = MultipartForm(
            request.headers.get("content-type", ""),
            settings.max_upload_bytes,
            # Invalid options are reported before the upload rather than after it.
            lambda: (_read(form, models), writer)[1],
        )
        try:
            await _receive(request, form)
            name = form.finish()
            options, webhook_url = _read(form, models)
            await asyncio.to_thread(writer.finish)
        except BaseException:
            # Also reached when the client disconnects: an incomplete upload is useless.
            await asyncio.shield(asyncio.to_thread(writer.abort))
            raise
    job_request = JobRequest(
        id=job_id,
        name=name,
        size=writer.size,
        sha256=writer.sha256.hexdigest(),
        created_at=now(),
        options=options,
        owner=caller.owner,
        webhook_url=webhook_url,
    )
    request_print = fingerprint(name, job_request.sha256, options, webhook_url)
    accepted = False
    try:
        async with submission.claimed(
            caller, key, job_id, request_print, submission.knows
        ) as known:
            if known == job_id:
                job = await submission.accept(job_request, caller, repeatable=key is not None)
                accepted = True
            else:
                response.headers["Idempotency-Replayed"] = "true"
                job = await submission.earlier(known)
    finally:
        if not accepted:
            await asyncio.shield(submission.drop(job_id))
    response.headers["Location"] = job.links["self"]
    return job


async def _receive(request: Request, form: MultipartForm) -> None:
    """Feeds the body to the form in a thread, in pieces large enough to be worth it."""
    pending = bytearray()
    async for chunk in arriving(request):
        pending += chunk
        if len(pending) >= _CHUNK:
            await asyncio.to_thread(form.feed, bytes(pending))
            pending.clear()
    request.state.body_unread = False
    await asyncio.to_thread(form.feed, bytes(pending))


def _read(form: MultipartForm, models: ModelChoice) -> tuple[JobOptions, str | None]:
    """Returns the options and the webhook from the fields that have arrived."""
    fields = dict(form.fields)
    webhook_url = check_webhook(fields.pop(WEBHOOK_FIELD, None))
    return models.chosen(parse_options(fields)), webhook_url
