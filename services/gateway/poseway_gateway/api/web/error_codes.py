"""Every error of the API: its code, its status, and what it says, for example."""

from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, Field

_S = HTTPStatus

CODES: Final[dict[str, tuple[HTTPStatus, str]]] = {
    "bad_request": (_S.BAD_REQUEST, "There was an error parsing the body"),
    "not_a_form": (_S.BAD_REQUEST, "Send the video or picture as multipart/form-data."),
    "incomplete_upload": (_S.BAD_REQUEST, "The upload broke off before its end. Send it again."),
    "empty_file": (_S.BAD_REQUEST, "The file is empty. Upload a video or a picture."),
    "key_missing": (
        _S.UNAUTHORIZED,
        "This needs an API key. Send it as 'Authorization: Bearer pw_…', or sign in on the page.",
    ),
    "key_unknown": (
        _S.UNAUTHORIZED,
        "There is no such API key, or it was revoked or replaced.",
    ),
    "cross_site": (
        _S.FORBIDDEN,
        "A page of another site, https://other.example, may not do this.",
    ),
    "wrong_host": (
        _S.FORBIDDEN,
        "This gateway asks for no keys, so it answers to names of this machine only.",
    ),
    "job_not_found": (_S.NOT_FOUND, "There is no job '0123456789abcdef0123456789abcdef'."),
    "no_result": (_S.NOT_FOUND, "The job has no result yet; see its state."),
    "no_such_file": (_S.NOT_FOUND, "A result has no such file; its manifest lists them."),
    "upload_not_found": (_S.NOT_FOUND, "There is no such upload, or its time is over. Begin anew."),
    "not_direct": (_S.NOT_FOUND, "Parts go through the gateway here: PUT them to this address."),
    "idempotency_in_progress": (
        _S.CONFLICT,
        "The same request is being answered right now. Try again in a few seconds.",
    ),
    "upload_incomplete": (_S.CONFLICT, "2 parts are missing: 3, 4. Send them, then complete."),
    "upload_complete": (_S.CONFLICT, "The upload is complete, and a job: see /v1/jobs."),
    "no_such_segment": (
        _S.NOT_FOUND,
        "There is no finished segment 3. If the job has ended, look at its result.",
    ),
    "no_sample": (_S.NOT_FOUND, "There is no sample video here. Upload one of your own."),
    "too_large": (_S.REQUEST_ENTITY_TOO_LARGE, "The video is larger than the limit."),
    "range_not_satisfiable": (
        _S.REQUESTED_RANGE_NOT_SATISFIABLE,
        "The file has 1000 bytes; ask for some of these.",
    ),
    "missing_video": (_S.UNPROCESSABLE_ENTITY, "The form has no file named 'video'."),
    "several_videos": (_S.UNPROCESSABLE_ENTITY, "Send one video or picture per job."),
    "unknown_field": (_S.UNPROCESSABLE_ENTITY, "There is no file field 'film'."),
    "invalid_options": (
        _S.UNPROCESSABLE_ENTITY,
        "The options are not valid. crf: Input should be less than or equal to 51.",
    ),
    "unknown_model": (_S.UNPROCESSABLE_ENTITY, "There is no model 'x', only: y."),
    "model_missing": (_S.UNPROCESSABLE_ENTITY, "The weights of the model 'x' are not here."),
    "invalid_request": (
        _S.UNPROCESSABLE_ENTITY,
        "limit: Input should be less than or equal to 100",
    ),
    "rate_limited": (
        _S.TOO_MANY_REQUESTS,
        "That was more than 3000 requests in a minute. Wait and go on.",
    ),
    "quota_exceeded": (
        _S.TOO_MANY_REQUESTS,
        "The key 'lab' may start 100 jobs a day. Go on after midnight UTC, or ask whoever runs "
        "this for more.",
    ),
    "invalid_webhook": (
        _S.UNPROCESSABLE_ENTITY,
        "webhook_url must be an address such as https://example.org/poseway.",
    ),
    "idempotency_key_reused": (
        _S.UNPROCESSABLE_ENTITY,
        "This Idempotency-Key came with another request before. Use a new one.",
    ),
    "wrong_part": (_S.UNPROCESSABLE_ENTITY, "Part 2 has 8388608 bytes; send exactly these."),
    "overloaded": (_S.SERVICE_UNAVAILABLE, "Too many videos are being uploaded at once."),
    "unavailable": (_S.SERVICE_UNAVAILABLE, "The work queue cannot be reached. Try again soon."),
    "not_ready": (_S.SERVICE_UNAVAILABLE, "There is no bucket. Create it."),
}
"""What a route may answer besides 405 for a method that it does not have, and 500."""


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str = Field("about:blank", description="Always about:blank; `code` tells errors apart.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What is wrong and what to do, for people.")
    code: str = Field(description="Stable; for programs.")


def documented(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The errors with these codes, for the ``responses`` of a route; each with an example."""
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
