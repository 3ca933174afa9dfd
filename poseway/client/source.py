"""A video to be sent, wherever it is."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from poseway.errors import InvalidRequestError

Video = Path | str | bytes | BinaryIO
"""A path, the file's bytes, or an open file that can be read from any place."""


class Source:
    """An open video.

    Attributes:
        name: Its name, without a path.
        size: In bytes.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        # The bytes of a file's name may be no text.
        self.name = name.encode(errors="surrogateescape").decode(errors="replace")
        try:
            self.size = file.seek(0, io.SEEK_END)
        except (OSError, ValueError):
            raise InvalidRequestError(
                f"{name} is a stream that cannot be read twice. Write it into a file first.",
                "not_seekable",
            ) from None

    def read(self, start: int, length: int) -> bytes:
        """Bytes from a place on, fewer at the end."""
        self._file.seek(start)
        return self._file.read(length)


@contextmanager
def opened(video: Video, name: str | None) -> Iterator[Source]:
    """A video to read from, closed afterwards if it was opened here.

    Args:
        video: The video.
        name: What it is called; None takes the file's name.

    Raises:
        InvalidRequestError: It cannot be read.
    """
    if isinstance(video, bytes):
        yield Source(io.BytesIO(video), name or "video")
        return
    if not isinstance(video, Path | str):
        yield Source(video, name or Path(str(getattr(video, "name", "video"))).name)
        return
    path = Path(video)
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidRequestError(
            f"{path} cannot be read ({error.strerror}).", "unreadable_file"
        ) from error
    with file:
        yield Source(file, name or path.name)
