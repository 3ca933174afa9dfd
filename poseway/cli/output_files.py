"""Files that a command writes, or standard output in their place."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from poseway.errors import PosewayError

STDOUT: Final = Path("-")


def prepare(path: Path | None) -> None:
    """Makes the folder of a file, so that a command fails before its work and not after it.

    Raises:
        PosewayError: The file cannot be written.
    """
    if path in (None, STDOUT):
        return
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise PosewayError(f"{path} cannot be written.", "not_written")


def write(path: Path | None, text: str) -> None:
    """Writes a text and a line break; to standard output for `STDOUT`, nowhere for None.

    Raises:
        PosewayError: The file cannot be written.
    """
    if path == STDOUT:
        sys.stdout.write(text + "\n")
    elif path:
        with _naming(path):
            path.write_text(text + "\n")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PosewayError(f"{path} cannot be written: {error.strerror}.", "not_written") from error
