"""A video to be uploaded: a path, bytes or an open file."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from poseway.errors import InvalidRequestError

Video = Path | str | bytes | BinaryIO
"""A path, the content of a file, or an open seekable file."""


class Source:
    """An open video.

    Attributes:
        name: Name of the video, without a path.
        size: Size in bytes.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        # A file name may contain bytes that are not valid text.
        self.name = name.encode(errors="surrogateescape").decode(errors="replace")
        try:
            self.size = file.seek(0, io.SEEK_END)
        except (OSError, ValueError):
            raise InvalidRequestError(
                f"{name} is a stream that cannot be read twice. Write it to a file first.",
                "not_seekable",
            ) from None

    def read(self, start: int, length: int) -> bytes:
        """Reads bytes from an offset; fewer at the end of the file."""
        self._file.seek(start)
        return self._file.read(length)


@contextmanager
def opened(video: Video, name: str | None) -> Iterator[Source]:
    """Opens a video for the block and closes it afterwards, unless the caller had opened it.

    Args:
        video: The video.
        name: Name of the video; None takes the name of the file.

    Raises:
        InvalidRequestError: The video cannot be read.
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
