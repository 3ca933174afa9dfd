"""Uploads a video: a small one in one request, a larger one in parts that can be retried."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import httpx

from poseway.client.http import Request
from poseway.client.operations import JSON, Steps, insist
from poseway.client.responses import PartUrl, Upload
from poseway.client.retry import Patience
from poseway.client.video_source import Source, Video, opened
from poseway.errors import InvalidRequestError, PosewayError, UnavailableError
from poseway.jobs import Job, JobOptions

Options = JobOptions | Mapping[str, object]
"""Options of a job, by their names in the API."""

ONE_REQUEST_BYTES: Final = 8 << 20
"""Largest video that is sent in one request."""

_ROUNDS: Final = 3
_ESCAPED: Final = re.compile(r'["\\%\x00-\x1f]')


def submit(
    video: Video,
    options: Options | None,
    sent: Callable[[int, int], None],
    *,
    name: str | None,
    webhook_url: str | None,
    idempotency_key: str | None,
    patience_seconds: float,
) -> Steps[Job]:
    """Uploads a video and queues one job for it, however often the connection breaks."""
    patience = Patience(patience_seconds)
    headers = {"Idempotency-Key": idempotency_key or secrets.token_hex(16)}
    fields = _fields(options)
    with opened(video, name) as source:
        if _fits_in_form(source):
            if webhook_url:
                fields["webhook_url"] = webhook_url
            request = _form(source, fields, headers, sent)
            answer = yield from insist(request, patience)
            return Job.model_validate_json(answer.content)
        upload = yield from _begin(source, fields, webhook_url, headers, patience)
        for _ in range(_ROUNDS):
            if not upload.complete:
                yield from _send_parts(upload, source, sent, patience)
            answer = yield from insist(
                Request("POST", upload.links["complete"]), patience, ["upload_incomplete"]
            )
            if not answer.is_error:
                return Job.model_validate_json(answer.content)
            again = yield from insist(Request("GET", upload.links["self"]), patience)
            upload = Upload.model_validate_json(again.content)
        raise PosewayError(
            "The gateway keeps losing parts of the upload. Try again.", "upload_incomplete"
        )


def _fits_in_form(source: Source) -> bool:
    """Decides whether a video is sent in one request.

    A video whose name would be escaped in a form is not, because servers differ in unescaping it.
    """
    if source.size == 0:
        return True  # the gateway rejects it with a reason
    return source.size <= ONE_REQUEST_BYTES and not _ESCAPED.search(source.name)


def _fields(options: Options | None) -> dict[str, str]:
    """Converts options to the text fields of a form."""
    if isinstance(options, JobOptions):
        options = options.model_dump(mode="json", exclude_unset=True)
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in (options or {}).items()
        if value is not None
    }


def _form(
    source: Source,
    fields: dict[str, str],
    headers: dict[str, str],
    sent: Callable[[int, int], None],
) -> Request:
    video = source.read(0, source.size)
    # Encoded before it is sent, so that it can be sent again.
    form = httpx.Request(
        "POST", "http://gateway", data=fields, files={"video": (source.name, video)}
    )
    body = form.read()
    around = len(body) - source.size
    return Request(
        "POST",
        "/v1/jobs",
        headers={**headers, "Content-Type": form.headers["Content-Type"]},
        body=body,
        sent=lambda count: sent(max(0, count - around), source.size),
    )


def _begin(
    source: Source,
    fields: dict[str, str],
    webhook_url: str | None,
    headers: dict[str, str],
    patience: Patience,
) -> Steps[Upload]:
    asked: dict[str, object] = {"name": source.name, "size": source.size, "options": fields}
    if webhook_url:
        asked["webhook_url"] = webhook_url
    body = json.dumps(asked).encode()
    request = Request("POST", "/v1/uploads", headers={**headers, **JSON}, body=body)
    answer = yield from insist(request, patience)
    return Upload.model_validate_json(answer.content)


def _send_parts(
    upload: Upload, source: Source, sent: Callable[[int, int], None], patience: Patience
) -> Steps[None]:
    """Sends the parts that have not arrived yet."""
    done = sum(part.size for part in upload.parts)
    arrived = {part.number for part in upload.parts}
    for number, start in enumerate(range(0, source.size, upload.part_bytes), 1):
        if number in arrived:
            continue
        data = source.read(start, upload.part_bytes)
        if len(data) != min(upload.part_bytes, source.size - start):
            raise InvalidRequestError(f"{source.name} changed during the upload.", "file_changed")

        def progress(count: int, before: int = done) -> None:
            sent(before + count, source.size)

        yield from _send_part(upload, number, data, progress, patience)
        done += len(data)


def _send_part(
    upload: Upload, number: int, data: bytes, sent: Callable[[int], None], patience: Patience
) -> Steps[None]:
    path = upload.links["part"].replace("{number}", str(number))
    if upload.direct:
        answer = yield from insist(Request("GET", f"{path}/url"), patience)
        url = PartUrl.model_validate_json(answer.content).url
        try:
            stored = yield Request("PUT", url, body=data, sent=sent)
        except UnavailableError:
            stored = None  # the storage cannot be reached from here; send through the gateway
        if stored is not None and stored.status_code == HTTPStatus.OK:
            return
    yield from insist(Request("PUT", path, body=data, sent=sent), patience)
