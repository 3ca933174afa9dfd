"""Sending an object as it is stored: whole, in ranges, or not at all if it is known already."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

from poseway.storage import ObjectStore
from services.gateway.api.conditional import not_modified
from services.gateway.api.ranges import parse_range
from services.gateway.api.streams import StoredResponse

_KINDS: Final = ("application/json", "application/x-ndjson", "image/jpeg", "video/mp4")

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file", "content": {kind: {} for kind in _KINDS}},
    206: {"description": "The bytes asked for by the Range header"},
    304: {"description": "Unchanged since the ETag of If-None-Match"},
}
"""What a route that answers with `send` may answer besides its errors."""


def send(
    request: Request,
    store: ObjectStore,
    key: str,
    disposition: str,
    change: tuple[int, bytes] = (0, b""),
) -> Response:
    """Answers with an object.

    Args:
        request: What it answers.
        store: Where the object is.
        key: Its name.
        disposition: The answer's ``Content-Disposition``.
        change: Position in the object, and bytes that are sent instead of those there.

    Raises:
        NotFoundError: There is no such object.
        RangeError: The request asks for bytes that are not there.
    """
    info = store.head(key)
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
    source = store.stream(key, start, end)
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
