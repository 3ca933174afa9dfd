"""Handing out results."""

import re
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import PurePath
from typing import Annotated, Final, cast
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from poseway import filenames
from poseway.errors import NotFoundError
from poseway.formats import exports, keypoints, tracks
from poseway.formats.manifest import Manifest
from poseway.jobs import JobRequest, Keys
from poseway.storage import ObjectStore
from poseway_gateway.api.dependencies import KnownJob, SettingsDep, StoreDep
from poseway_gateway.api.web import object_response
from poseway_gateway.api.web.error_codes import documented
from poseway_gateway.api.web.head_method import IS_HEAD
from poseway_gateway.api.web.streams import StoredResponse

router = APIRouter(
    prefix="/v1/jobs/{job_id}",
    tags=["results"],
    responses=documented("job_not_found", "no_result", "unavailable"),
)

_STORED: Final = re.compile(
    r"manifest\.json|(?:video|background)\.mp4|poster\.jpg|contact_sheet\.jpg|keypoints\.jsonl"
    r"|tracks\.json|screenshots/frame_\d{6,}\.jpg|stills/person_\d{3,}\.jpg"
)
_MEDIA_TYPES: Final = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".zip": "application/zip",
}
_RESPONSES: Final = (
    object_response.RESPONSES
    | {307: {"description": "It is there, for an hour: see Location"}}
    | documented("no_such_file", "range_not_satisfiable")
)
_DIRECT_SECONDS: Final = 3600


@router.get("/keypoints.csv", response_class=StreamingResponse)
def get_csv(asked: KnownJob, store: StoreDep) -> Response:
    """The keypoints as CSV, one row per person and frame."""
    return _converted(store, asked, "keypoints.csv", exports.to_csv)


@router.get("/angles.csv", response_class=StreamingResponse)
def get_angles(asked: KnownJob, store: StoreDep) -> Response:
    """Joint angles in degrees as CSV, one row per person and frame."""
    return _converted(store, asked, "angles.csv", exports.to_angles)


@router.get("/coco.json", response_class=StreamingResponse)
def get_coco(asked: KnownJob, store: StoreDep) -> Response:
    """The keypoints as COCO's results: an array with one object per person and frame."""
    return _converted(store, asked, "coco.json", exports.to_coco)


@router.get("/openpose.zip", response_class=StreamingResponse)
def get_openpose(asked: KnownJob, store: StoreDep) -> Response:
    """The keypoints as OpenPose writes them: a zip with one JSON file per frame."""
    convert = partial(exports.to_openpose, stem=filenames.stem(asked.name))
    return _converted(store, asked, "openpose.zip", convert)


@router.get("/trc.zip", response_class=StreamingResponse)
def get_trc(asked: KnownJob, store: StoreDep) -> Response:
    """The keypoints for OpenSim: a zip with one TRC file per person."""
    keys = Keys(asked.id)
    _finished(store, keys)

    def read(start: int) -> Generator[bytes]:
        return cast("Generator[bytes]", store.stream(keys.keypoints, start))

    content = exports.to_trc(read, _spans(store, keys), filenames.stem(asked.name))
    return _download(asked, "trc.zip", content, content)


def _spans(store: ObjectStore, keys: Keys) -> dict[int, list[tracks.Span]]:
    """When everybody is in the picture."""
    try:
        data, _ = store.get(keys.tracks)
    except NotFoundError:
        # An older version made the result; its keypoints tell the same.
        _, frames = keypoints.read(keypoints.split_lines(store.stream(keys.keypoints)))
        return tracks.spans(
            (frame["frame"], (person["id"] for person in frame["people"])) for frame in frames
        )
    return {track.id: track.spans for track in tracks.Presence.model_validate_json(data).tracks}


def _converted(
    store: ObjectStore,
    asked: JobRequest,
    name: str,
    convert: Callable[[Iterator[bytes]], Iterator[bytes]],
) -> Response:
    """Converts the keypoints on the way out."""
    keys = Keys(asked.id)
    _finished(store, keys)
    source = store.stream(keys.keypoints)
    return _download(asked, name, source, convert(keypoints.split_lines(source)))


def _download(
    asked: JobRequest, name: str, source: Iterator[bytes], content: Iterator[bytes]
) -> Response:
    return StoredResponse(
        source,
        content,
        media_type=_MEDIA_TYPES[PurePath(name).suffix],
        headers={"Content-Disposition": _disposition(asked, name, "attachment")},
    )


@router.get("/all.zip", response_class=StreamingResponse)
def get_everything(asked: KnownJob, store: StoreDep) -> Response:
    """The whole result in a zip, and in it also keypoints.csv, angles.csv and coco.json."""
    keys = Keys(asked.id)
    try:
        data, _ = store.get(keys.manifest)
    except NotFoundError:
        raise _no_result() from None
    files = [(file.path, file.bytes) for file in Manifest.model_validate_json(data).files]

    def read(name: str) -> Generator[bytes]:
        return cast("Generator[bytes]", store.stream(keys.result + name))

    everything = [("manifest.json", len(data)), *files]
    content = exports.to_everything(everything, read, filenames.stem(asked.name))
    return _download(asked, "all.zip", content, content)


@router.get("/{path:path}", response_class=Response, responses=_RESPONSES)
def get_result(
    asked: KnownJob,
    path: str,
    request: Request,
    store: StoreDep,
    settings: SettingsDep,
    direct: Annotated[
        bool, Query(description="Redirect to object storage, where that can be reached.")
    ] = False,
) -> Response:
    """A file of the result, by the path that the manifest has for it. Takes Range requests."""
    keys = Keys(asked.id)
    if not _STORED.fullmatch(path):
        raise _no_such_file()
    _finished(store, keys)
    try:
        disposition = _disposition(asked, PurePath(path).name, "inline")
        # An address is signed for GET; the headers are told here as well as there.
        redirects = direct and IS_HEAD not in request.scope
        if redirects and settings.s3_public_endpoint is not None:
            store.head(keys.result + path)
            url = store.public_url(keys.result + path, _DIRECT_SECONDS, disposition)
            return RedirectResponse(url, headers={"Cache-Control": "no-store"})
        return object_response.send(request, store, keys.result + path, disposition)
    except NotFoundError:
        raise _no_such_file() from None


def _no_such_file() -> NotFoundError:
    return NotFoundError("A result has no such file; its manifest lists them.", "no_such_file")


def _finished(store: ObjectStore, keys: Keys) -> None:
    """A result is there whole, or not at all: its manifest is written last."""
    if not store.exists(keys.manifest):
        raise _no_result()


def _no_result() -> NotFoundError:
    return NotFoundError("The job has no result yet; see its state.", "no_result")


def _disposition(asked: JobRequest, name: str, kind: str) -> str:
    """Names the file after the upload, as RFC 6266 has it."""
    named = filenames.portable(filenames.stem(asked.name), f"_{name}")
    return f"{kind}; filename*=UTF-8''{quote(named, safe='')}"
