"""`all.zip`: a whole result, and the export formats that belong in it."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import PurePosixPath
from typing import Final

from poseway.filenames import portable
from poseway.formats.exports.format import Format
from poseway.formats.exports.source import Source
from poseway.formats.exports.zip_stream import ZipStream

_KEYPOINTS: Final = "keypoints.jsonl"
_COMPRESSED_ALREADY: Final = (".mp4", ".jpg")
# Deflate's stored blocks make a file of 4 GiB a little larger than that.
_LARGE: Final = 4_000_000_000


def to_bundle(
    files: Sequence[tuple[str, int]],
    read: Callable[[str], Generator[bytes]],
    source: Source,
    formats: Iterable[Format],
) -> Generator[bytes]:
    """Puts a result into a zip, one file after the other, in memory that does not grow with it.

    Args:
        files: Path and size in bytes of each file of the result.
        read: Reads a file of the result by its path, in chunks.
        source: The job's keypoints. Its stem names the folder in the zip that contains everything.
        formats: Export formats; those that are `in_bundle` are added.

    Yields:
        Pieces of the zip.
    """
    archive, folder = ZipStream(), portable(source.stem)

    def add(name: str, pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
        packed = PurePosixPath(name).suffix not in _COMPRESSED_ALREADY
        return archive.file(f"{folder}/{name}", pieces, packed=packed, large=size >= _LARGE)

    for name, size in files:
        with closing(read(name)) as chunks:
            yield from add(name, chunks, size)
    for made in formats:
        if made.in_bundle:
            with closing(made.convert(source)) as blocks:
                # No format is more than a few times the size of the keypoints.
                yield from add(made.file, blocks, 8 * dict(files)[_KEYPOINTS])
    yield from archive.end()
