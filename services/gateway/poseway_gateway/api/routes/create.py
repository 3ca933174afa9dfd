"""A job out of one request: a form with the video in it."""

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
from poseway_gateway.api.webhooks.url import WEBHOOK_FIELD, WEBHOOK_SAYS, check_webhook

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_CHUNK: Final = 1 << 20
_FORM_OVERHEAD: Final = 64 << 10
# What `ObjectWriter` holds of a large upload: its first part, the one that fills, and its copy.
_MEMORY: Final = 27 << 20


def _fields() -> dict[str, Any]:
    """The options as fields of a form, in JSON Schema; each with its type written out."""
    schema = JobOptions.model_json_schema(mode="serialization")
    types = schema.get("$defs", {})

    def written_out(field: dict[str, Any]) -> dict[str, Any]:
        found = {**types.get(field.pop("$ref", "").rsplit("/", 1)[-1], {}), **field}
        if "anyOf" in found:
            found["anyOf"] = [written_out(one) for one in found["anyOf"]]
        return found

    return {name: written_out(field) for name, field in schema["properties"].items()}


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
                            "description": "The video, any container and codec that FFmpeg reads.",
                        },
                        WEBHOOK_FIELD: {"type": "string", "description": WEBHOOK_SAYS},
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
    """Uploads a video and queues it. The body goes straight into object storage as it arrives.

    A large video, or one that comes over a connection that breaks, is better sent in parts: see
    `POST /v1/uploads`.
    """
    request.state.body_unread = True
    announced = int(request.headers.get("content-length", 0))
    if announced > settings.max_upload_bytes + _FORM_OVERHEAD:
        raise too_large(settings.max_upload_bytes)
    if key is None:  # else it may be a job that was counted before
        await caller.expect(max(0, announced - _FORM_OVERHEAD))
    job_id = new_job_id()
    async with budget.lend(min(announced or _MEMORY, _MEMORY)):
        writer = ObjectWriter(store, Keys(job_id).upload, "application/octet-stream")
        form = MultipartForm(
            request.headers.get("content-type", ""),
            settings.max_upload_bytes,
            # A mistake is better told before the upload than after it.
            lambda: (_read(form, models), writer)[1],
        )
        try:
            await _receive(request, form)
            name = form.finish()
            options, webhook_url = _read(form, models)
            await asyncio.to_thread(writer.finish)
        except BaseException:
            # Also when the client hangs up: what was sent so far is worth nothing.
            await asyncio.shield(asyncio.to_thread(writer.abort))
            raise
    asked = JobRequest(
        id=job_id,
        name=name,
        size=writer.size,
        sha256=writer.sha256.hexdigest(),
        created_at=now(),
        options=options,
        owner=caller.owner,
        webhook_url=webhook_url,
    )
    request_print = fingerprint(name, asked.sha256, options, webhook_url)
    accepted = False
    try:
        async with submission.claimed(
            caller, key, job_id, request_print, submission.knows
        ) as known:
            if known == job_id:
                job = await submission.accept(asked, caller, repeatable=key is not None)
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
    """Feeds the body to the form, off the event loop and in pieces worth the trip."""
    pending = bytearray()
    async for chunk in arriving(request):
        pending += chunk
        if len(pending) >= _CHUNK:
            await asyncio.to_thread(form.feed, bytes(pending))
            pending.clear()
    request.state.body_unread = False
    await asyncio.to_thread(form.feed, bytes(pending))


def _read(form: MultipartForm, models: ModelChoice) -> tuple[JobOptions, str | None]:
    """The options in the fields so far, and whom to tell when the job ends."""
    fields = dict(form.fields)
    webhook_url = check_webhook(fields.pop(WEBHOOK_FIELD, None))
    return models.chosen(parse_options(fields)), webhook_url
