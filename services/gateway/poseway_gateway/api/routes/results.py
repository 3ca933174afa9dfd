"""Downloads of a result: its files, the export formats, and everything in one zip."""

import re
from collections.abc import Generator
from pathlib import PurePath
from typing import Annotated, Final, cast
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import BaseModel, Field

from poseway import filenames
from poseway.errors import NotFoundError
from poseway.formats.exports import FORMATS, Format, Source, to_bundle
from poseway.formats.manifest import Manifest
from poseway.formats.tracks import Presence
from poseway.jobs import JobRequest, Keys
from poseway.storage import ObjectStore
from poseway_gateway.api.dependencies import KnownJob, SettingsDep, StoreDep
from poseway_gateway.api.web import object_response
from poseway_gateway.api.web.error_codes import documented
from poseway_gateway.api.web.head_method import IS_HEAD
from poseway_gateway.api.web.object_response import StoredResponse

router = APIRouter(
    prefix="/v1/jobs/{job_id}",
    tags=["results"],
    responses=documented("job_not_found", "no_result", "unavailable"),
)

_STORED: Final = re.compile(
    r"manifest\.json|(?:video|background)\.mp4|poster\.jpg|contact_sheet\.jpg|keypoints\.jsonl"
    r"|tracks\.json|screenshots/frame_\d{6,}\.jpg|stills/person_\d{3,}\.jpg"
)
_RESPONSES: Final = (
    object_response.RESPONSES
    | {307: {"description": "The file is at Location for an hour"}}
    | documented("no_such_file", "range_not_satisfiable")
)
_DIRECT_SECONDS: Final = 3600


class ExportFormat(BaseModel):
    """A file that is made from the keypoints while it is being downloaded."""

    name: str = Field(description="Its name in the job's `links`.")
    file: str = Field(description="Name of the file, the last part of its path.")
    media_type: str = Field(description="Its Content-Type.")
    title: str = Field(description="What it is called on the page.")
    contents: str = Field(description="What it consists of.")


class ExportFormats(BaseModel):
    """The export formats, in the order in which the page shows them."""

    formats: list[ExportFormat]


@router.get("/formats")
def list_formats(job: KnownJob) -> ExportFormats:
    """Lists the export formats in which the keypoints of a result can be downloaded."""
    return ExportFormats(
        formats=[ExportFormat.model_validate(made, from_attributes=True) for made in FORMATS]
    )


def _add_export(made: Format) -> None:
    """Adds the route of an export format."""

    def get(job: KnownJob, store: StoreDep) -> Response:
        _require_result(store, Keys(job.id))
        return _download(job, made.file, made.media_type, made.convert(_source(store, job)))

    router.add_api_route(
        f"/{made.file}",
        get,
        name=f"get_{made.name}",
        description=f"{made.title}: {made.contents}.",
        response_class=StreamingResponse,
    )


for _format in FORMATS:
    _add_export(_format)


def _source(store: ObjectStore, job: JobRequest) -> Source:
    """Returns the keypoints of a job for converters."""
    keys = Keys(job.id)

    def read(start: int) -> Generator[bytes]:
        return cast("Generator[bytes]", store.stream(keys.keypoints, start))

    def find_presence() -> Presence | None:
        try:
            data, _ = store.get(keys.tracks)
        except NotFoundError:
            return None
        return Presence.model_validate_json(data)

    return Source(filenames.stem(job.name), read, find_presence)


def _download(job: JobRequest, name: str, media_type: str, content: Generator[bytes]) -> Response:
    return StoredResponse(
        content,
        content,
        media_type=media_type,
        headers={"Content-Disposition": _disposition(job, name, "attachment")},
    )


@router.get(
    "/all.zip",
    response_class=StreamingResponse,
    description="The whole result in a zip, together with "
    + ", ".join(made.file for made in FORMATS if made.in_bundle)
    + ".",
)
def get_everything(job: KnownJob, store: StoreDep) -> Response:
    """Sends the whole result in a zip."""
    keys = Keys(job.id)
    try:
        data, _ = store.get(keys.manifest)
    except NotFoundError:
        raise _no_result() from None
    files = [(file.path, file.bytes) for file in Manifest.model_validate_json(data).files]

    def read(name: str) -> Generator[bytes]:
        return cast("Generator[bytes]", store.stream(keys.result + name))

    everything = [("manifest.json", len(data)), *files]
    content = to_bundle(everything, read, _source(store, job), FORMATS)
    return _download(job, "all.zip", "application/zip", content)


@router.get("/{path:path}", response_class=Response, responses=_RESPONSES)
def get_result(
    job: KnownJob,
    path: str,
    request: Request,
    store: StoreDep,
    settings: SettingsDep,
    direct: Annotated[
        bool, Query(description="Redirect to object storage if clients can reach it.")
    ] = False,
) -> Response:
    """Returns a file of the result by its path in the manifest. Supports range requests."""
    keys = Keys(job.id)
    if not _STORED.fullmatch(path):
        raise _no_such_file()
    _require_result(store, keys)
    try:
        disposition = _disposition(job, PurePath(path).name, "inline")
        # Signed URLs are valid for GET only; HEAD is answered here with the same headers.
        redirects = direct and IS_HEAD not in request.scope
        if redirects and settings.s3_public_endpoint is not None:
            store.head(keys.result + path)
            url = store.public_url(keys.result + path, _DIRECT_SECONDS, disposition)
            return RedirectResponse(url, headers={"Cache-Control": "no-store"})
        return object_response.send(request, store, keys.result + path, disposition)
    except NotFoundError:
        raise _no_such_file() from None


def _no_such_file() -> NotFoundError:
    return NotFoundError(
        "The result has no such file. Its manifest lists all files.", "no_such_file"
    )


def _require_result(store: ObjectStore, keys: Keys) -> None:
    """Checks that the result exists; its manifest is written last.

    Raises:
        NotFoundError: There is no result yet.
    """
    if not store.exists(keys.manifest):
        raise _no_result()


def _no_result() -> NotFoundError:
    return NotFoundError("The job has no result yet. Check its state.", "no_result")


def _disposition(job: JobRequest, name: str, kind: str) -> str:
    """Returns a ``Content-Disposition`` (RFC 6266) that names the file after the upload."""
    named = filenames.portable(filenames.stem(job.name), f"_{name}")
    return f"{kind}; filename*=UTF-8''{quote(named, safe='')}"
