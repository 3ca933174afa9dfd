"""Every error of the API: its code, its HTTP status and an example of its message."""

from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, Field

_S = HTTPStatus

CODES: Final[dict[str, tuple[HTTPStatus, str]]] = {
    "bad_request": (_S.BAD_REQUEST, "There was an error parsing the body"),
    "not_a_form": (_S.BAD_REQUEST, "Send the video or image as multipart/form-data."),
    "incomplete_upload": (_S.BAD_REQUEST, "The upload broke off before its end. Send it again."),
    "empty_file": (_S.BAD_REQUEST, "The file is empty. Upload a video or an image."),
    "key_missing": (
        _S.UNAUTHORIZED,
        "An API key is required. Send it as 'Authorization: Bearer pw_…', or sign in on the page.",
    ),
    "key_unknown": (
        _S.UNAUTHORIZED,
        "There is no such API key, or it was revoked or replaced.",
    ),
    "cross_site": (
        _S.FORBIDDEN,
        "A page of another site, https://other.example, may not send this request.",
    ),
    "wrong_host": (
        _S.FORBIDDEN,
        "This gateway requires no API keys, so it accepts only host names of this machine.",
    ),
    "job_not_found": (_S.NOT_FOUND, "There is no job '0123456789abcdef0123456789abcdef'."),
    "no_result": (_S.NOT_FOUND, "The job has no result yet. Check its state."),
    "no_such_file": (_S.NOT_FOUND, "The result has no such file. Its manifest lists all files."),
    "upload_not_found": (
        _S.NOT_FOUND,
        "There is no such upload, or it has expired. Begin a new one.",
    ),
    "not_direct": (
        _S.NOT_FOUND,
        "This gateway accepts parts itself: PUT them to /v1/uploads/…/parts/1.",
    ),
    "idempotency_in_progress": (
        _S.CONFLICT,
        "The same request is still being processed. Try again in a few seconds.",
    ),
    "upload_incomplete": (
        _S.CONFLICT,
        "Parts are missing or have the wrong size (2 of 4): 3, 4. Send them, then complete the "
        "upload.",
    ),
    "upload_complete": (
        _S.CONFLICT,
        "The upload is complete and has become a job: see /v1/jobs/….",
    ),
    "no_such_segment": (
        _S.NOT_FOUND,
        "There is no finished segment 3. If the job has ended, use its result.",
    ),
    "no_sample": (_S.NOT_FOUND, "This gateway has no sample video. Upload a video of your own."),
    "too_large": (_S.REQUEST_ENTITY_TOO_LARGE, "The video is larger than the limit."),
    "range_not_satisfiable": (
        _S.REQUESTED_RANGE_NOT_SATISFIABLE,
        "The file has 1000 bytes. Request a range within it.",
    ),
    "missing_video": (_S.UNPROCESSABLE_ENTITY, "The form has no file named 'video'."),
    "several_videos": (_S.UNPROCESSABLE_ENTITY, "Send one video or image per job."),
    "unknown_field": (
        _S.UNPROCESSABLE_ENTITY,
        "There is no file field 'film'. Send the video or image as 'video'.",
    ),
    "invalid_options": (
        _S.UNPROCESSABLE_ENTITY,
        "The options are not valid. crf: Input should be less than or equal to 51.",
    ),
    "unknown_model": (_S.UNPROCESSABLE_ENTITY, "There is no model 'x'. Choose one of: y."),
    "model_missing": (_S.UNPROCESSABLE_ENTITY, "The weights of the model 'x' are not installed."),
    "invalid_request": (
        _S.UNPROCESSABLE_ENTITY,
        "limit: Input should be less than or equal to 100",
    ),
    "rate_limited": (
        _S.TOO_MANY_REQUESTS,
        "The limit is 3000 requests per minute. Wait, then continue.",
    ),
    "quota_exceeded": (
        _S.TOO_MANY_REQUESTS,
        "The key 'lab' may start 100 jobs per day. Continue after midnight UTC, or ask the "
        "operator for a higher quota.",
    ),
    "invalid_webhook": (
        _S.UNPROCESSABLE_ENTITY,
        "webhook_url must be a URL such as https://example.org/poseway.",
    ),
    "idempotency_key_reused": (
        _S.UNPROCESSABLE_ENTITY,
        "This Idempotency-Key was used for a different request. Use a new one.",
    ),
    "wrong_part": (
        _S.UNPROCESSABLE_ENTITY,
        "Part 2 has 8388608 bytes. Send exactly these, with their Content-Length.",
    ),
    "overloaded": (_S.SERVICE_UNAVAILABLE, "Too many videos are being uploaded at once."),
    "unavailable": (_S.SERVICE_UNAVAILABLE, "The work queue cannot be reached. Try again soon."),
    "not_ready": (_S.SERVICE_UNAVAILABLE, "There is no bucket. Create it."),
}
"""The errors that routes return, besides 405 for an unsupported method and 500."""


class Problem(BaseModel):
    """An error, as problem details (RFC 9457)."""

    type: str = Field(
        "about:blank", description="Always about:blank; use `code` to distinguish errors."
    )
    title: str = Field(description="Name of the HTTP status.")
    status: int = Field(description="HTTP status code.")
    detail: str = Field(description="Message for the user: what is wrong and what to do.")
    code: str = Field(description="Stable code for programs.")


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Returns errors, each with an example, for the ``responses`` of a route.

    Args:
        codes: Keys of `CODES`.
    """
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status, detail = CODES[code]
        example = Problem(title=status.phrase, status=status.value, detail=detail, code=code)
        answer = found.setdefault(
            status.value,
            {
                "description": status.phrase,
                "content": {
                    "application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                },
            },
        )
        examples = answer["content"]["application/problem+json"]["examples"]
        examples[code] = {"value": example.model_dump()}
    return found
