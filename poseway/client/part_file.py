"""A file that is being downloaded."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from poseway.client.http import Request


class PartFile:
    """A file that appears under its name once it is complete.

    If the transfer breaks off, the next request asks only for the rest, provided that the file on
    the server has not changed.
    """

    def __init__(self, target: Path, received: Callable[[int, int | None], None]) -> None:
        """Prepares a download.

        Args:
            target: Path of the file; its folder is made if it does not exist.
            received: Called with the bytes received so far, and the total or None if unknown.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._received = received
        self._file = self._part.open("wb")
        self._etag: str | None = None
        self._size: int | None = None

    def request(self, path: str) -> Request:
        """Makes the request for the missing bytes."""
        # Ranges count bytes of the encoded body, so the body must not be encoded.
        headers = {"Accept-Encoding": "identity"}
        if self._etag is not None and self._file.tell():
            headers |= {"Range": f"bytes={self._file.tell()}-", "If-Range": self._etag}
        return Request("GET", path, headers=headers, sink=self)

    def begin(self, answer: httpx.Response) -> None:
        """Continues, or starts over if the response contains the whole file."""
        if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
            self._file.seek(0)
            self._file.truncate()
        etag = answer.headers.get("ETag", "")
        self._etag = etag if etag.startswith('"') else None
        length = answer.headers.get("Content-Length")
        self._size = None if length is None else self._file.tell() + int(length)

    def write(self, chunk: bytes, /) -> None:
        """Takes the next chunk."""
        self._file.write(chunk)
        self._received(self._file.tell(), self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            self._part.replace(self._target)
        else:
            self._part.unlink(missing_ok=True)
