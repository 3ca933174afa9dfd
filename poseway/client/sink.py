"""Files that arrive."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from poseway.client.http import Request


class PartFile:
    """A file that is there under its name when it is complete, and not before.

    When its transfer breaks off, the next request asks for the rest only, provided that it is
    still the rest of the same file.
    """

    def __init__(self, target: Path, received: Callable[[int, int | None], None]) -> None:
        """Prepares a download.

        Args:
            target: Where the file goes; its folder is made if need be.
            received: Is told the bytes that are there, and all that there will be, if known.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._received = received
        self._file = self._part.open("wb")
        self._etag: str | None = None
        self._size: int | None = None

    def request(self, path: str) -> Request:
        """Asks for what is missing."""
        # Ranges count the bytes as they are sent, so these must be the file's own.
        headers = {"Accept-Encoding": "identity"}
        if self._etag is not None and self._file.tell():
            headers |= {"Range": f"bytes={self._file.tell()}-", "If-Range": self._etag}
        return Request("GET", path, headers=headers, sink=self)

    def begin(self, answer: httpx.Response) -> None:
        """Goes on where it was, or begins again where the answer does."""
        if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
            self._file.seek(0)
            self._file.truncate()
        etag = answer.headers.get("ETag", "")
        self._etag = etag if etag.startswith('"') else None
        length = answer.headers.get("Content-Length")
        self._size = None if length is None else self._file.tell() + int(length)

    def write(self, chunk: bytes, /) -> None:
        """Takes the next bytes."""
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
