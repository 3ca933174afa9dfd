"""Responses with a stored file: whole, in ranges, or 304 if the client has it already."""

from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from mimetypes import guess_type
from pathlib import Path
from typing import Any, Final, cast

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from poseway.storage import ObjectInfo, ObjectStore
from poseway_gateway.api.web.conditional import not_modified
from poseway_gateway.api.web.ranges import parse_range

_PIECE: Final = 1 << 18
_MEDIA_TYPES: Final = ("application/json", "application/x-ndjson", "image/jpeg", "video/mp4")

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file", "content": {kind: {} for kind in _MEDIA_TYPES}},
    206: {"description": "The requested range"},
    304: {"description": "Unchanged since the ETag of If-None-Match"},
}
"""OpenAPI responses, besides errors, of a route that returns what these functions return."""


class StoredResponse(StreamingResponse):
    """Sends an object, or content made from it, and closes the object however sending ends."""

    def __init__(
        self,
        source: Iterator[bytes],
        content: Iterator[bytes],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        """Prepares a response.

        Args:
            source: The object, as returned by `ObjectStore.stream`.
            content: The body: `source` itself, or a generator that reads it.
            status_code: HTTP status code.
            headers: Additional headers.
            media_type: ``Content-Type`` of the body.
        """
        super().__init__(content, status_code, headers, media_type)
        self._source = cast("Generator[bytes]", source)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the response."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A client that disconnects leaves the generator unfinished, with an open connection.
            await run_in_threadpool(self._source.close)


def send(request: Request, store: ObjectStore, key: str, disposition: str) -> Response:
    """Returns a response with an object.

    Args:
        request: The request to answer.
        store: Object storage.
        key: Key of the object.
        disposition: ``Content-Disposition`` of the response.

    Raises:
        NotFoundError: There is no such object.
        RangeError: The requested range lies outside the object.
    """
    return send_known(request, store, store.head(key), disposition)


def send_known(
    request: Request,
    store: ObjectStore,
    info: ObjectInfo,
    disposition: str,
    change: tuple[int, bytes] = (0, b""),
) -> Response:
    """Returns a response with the object of `info`; it breaks off if the object changes.

    Args:
        request: The request to answer.
        store: Object storage.
        info: Key, size and ETag of the object.
        disposition: ``Content-Disposition`` of the response.
        change: Position in the object, and the bytes that replace those at this position.

    Raises:
        RangeError: The requested range lies outside the object.
    """
    read = partial(store.stream, info.key, if_match=info.etag)
    return _respond(request, info, read, disposition, change)


def send_file(request: Request, path: Path, disposition: str) -> Response:
    """Returns a response with a local file.

    Args:
        request: The request to answer.
        path: Path of the file.
        disposition: ``Content-Disposition`` of the response.

    Raises:
        RangeError: The requested range lies outside the file.
    """
    found = path.stat()
    media_type, _ = guess_type(path.name)
    info = ObjectInfo(
        key=path.name,
        size=found.st_size,
        etag=f'"{found.st_mtime_ns:x}-{found.st_size:x}"',
        content_type=media_type or "application/octet-stream",
    )
    return _respond(request, info, partial(_read, path), disposition)


def _read(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < end and (piece := file.read(min(_PIECE, end - start))):
            start += len(piece)
            yield piece


def _respond(
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
        _patched(source, start, *change),
        status_code=status,
        headers=headers,
        media_type=info.content_type,
    )


def _patched(
    pieces: Iterator[bytes], position: int, patch_at: int, patch: bytes
) -> Iterator[bytes]:
    """Replaces the bytes from `patch_at` on. The first piece is at `position` in the file."""
    for piece in pieces:
        first = max(position, patch_at)
        last = min(position + len(piece), patch_at + len(patch))
        if first < last:
            before, after = piece[: first - position], piece[last - position :]
            sent = before + patch[first - patch_at : last - patch_at] + after
        else:
            sent = piece
        position += len(piece)
        yield sent
