"""Sending a file as it is stored: whole, in ranges, or not at all if it is known already."""

from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from mimetypes import guess_type
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response

from poseway.storage import ObjectInfo, ObjectStore
from poseway_gateway.api.web.conditional import not_modified
from poseway_gateway.api.web.ranges import parse_range
from poseway_gateway.api.web.streams import StoredResponse

_PIECE: Final = 1 << 18
_KINDS: Final = ("application/json", "application/x-ndjson", "image/jpeg", "video/mp4")

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file", "content": {kind: {} for kind in _KINDS}},
    206: {"description": "The bytes asked for by the Range header"},
    304: {"description": "Unchanged since the ETag of If-None-Match"},
}
"""What a route that answers with one of these functions may answer besides its errors."""


def send(request: Request, store: ObjectStore, key: str, disposition: str) -> Response:
    """Answers with an object.

    Args:
        request: What it answers.
        store: Where the object is.
        key: Its name.
        disposition: The answer's ``Content-Disposition``.

    Raises:
        NotFoundError: There is no such object.
        RangeError: The request asks for bytes that are not there.
    """
    return send_known(request, store, store.head(key), disposition)


def send_known(
    request: Request,
    store: ObjectStore,
    info: ObjectInfo,
    disposition: str,
    change: tuple[int, bytes] = (0, b""),
) -> Response:
    """Answers with an object as it was a moment ago, or breaks off if it is another one now.

    Args:
        request: What it answers.
        store: Where the object is.
        info: The object.
        disposition: The answer's ``Content-Disposition``.
        change: Position in the object, and bytes that are sent instead of those there.

    Raises:
        RangeError: The request asks for bytes that are not there.
    """
    read = partial(store.stream, info.key, if_match=info.etag)
    return _answer(request, info, read, disposition, change)


def send_file(request: Request, path: Path, disposition: str) -> Response:
    """Answers with a file of this machine, as `send` does with an object.

    Args:
        request: What it answers.
        path: The file.
        disposition: The answer's ``Content-Disposition``.

    Raises:
        RangeError: The request asks for bytes that are not there.
    """
    found = path.stat()
    kind, _ = guess_type(path.name)
    info = ObjectInfo(
        key=path.name,
        size=found.st_size,
        etag=f'"{found.st_mtime_ns:x}-{found.st_size:x}"',
        content_type=kind or "application/octet-stream",
    )
    return _answer(request, info, partial(_read, path), disposition)


def _read(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (piece := file.read(min(_PIECE, end - start))):
            start += len(piece)
            yield piece


def _answer(
    request: Request,
    info: ObjectInfo,
    read: Callable[[int, int], Iterator[bytes]],
    disposition: str,
    change: tuple[int, bytes] = (0, b""),
) -> Response:
    headers = {
        "ETag": info.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition,
    }
    if answer := not_modified(request, headers):
        return answer
    wanted = None
    if request.headers.get("if-range", info.etag) == info.etag:
        wanted = parse_range(request.headers.get("range"), info.size)
    start, end = wanted or (0, info.size)
    status = HTTPStatus.OK
    if wanted:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.size}"
    headers["Content-Length"] = str(end - start)
    source = read(start, end)
    return StoredResponse(
        source,
        _changed(source, start, *change),
        status_code=status,
        headers=headers,
        media_type=info.content_type,
    )


def _changed(pieces: Iterator[bytes], at: int, place: int, change: bytes) -> Iterator[bytes]:
    """Puts other bytes in the place of some; `at` is the position of the first piece."""
    for piece in pieces:
        first, last = max(at, place), min(at + len(piece), place + len(change))
        if first < last:
            sent = piece[: first - at] + change[first - place : last - place] + piece[last - at :]
        else:
            sent = piece
        at += len(piece)
        yield sent
