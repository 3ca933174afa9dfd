"""A row of the table of export formats."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import PurePath

from poseway.formats.exports.source import Source

Convert = Callable[[Source], Generator[bytes]]
"""Yields a file in blocks of about 256 KiB, using memory that does not grow with the video."""


@dataclass(frozen=True)
class Format:
    """A file that is made from ``keypoints.jsonl`` while it is being downloaded.

    Attributes:
        name: Its name in a job's links and, as ``--name``, on the command line: lower-case letters.
        file: Name of the file, which is also the last part of its URL.
        media_type: Its Content-Type.
        title: What it is called on the page and in the API's document.
        contents: What it consists of, as the end of a sentence: "a row per person and frame".
        in_bundle: Whether ``all.zip`` contains it.
        convert: Makes the file.
    """

    name: str
    file: str
    media_type: str
    title: str
    contents: str
    in_bundle: bool
    convert: Convert

    @property
    def kind(self) -> str:
        """Kind of file by its extension, in capitals: CSV."""
        return PurePath(self.file).suffix[1:].upper()
