"""`all.zip`: a whole result, and the tables made of its keypoints."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import PurePosixPath
from typing import Final

from poseway.filenames import portable
from poseway.formats.exports.angles_csv import to_angles
from poseway.formats.exports.coco import to_coco
from poseway.formats.exports.keypoints_csv import to_csv
from poseway.formats.exports.zip_stream import ZipStream
from poseway.formats.keypoints import split_lines

_KEYPOINTS: Final = "keypoints.jsonl"
_MADE: Final = {"keypoints.csv": to_csv, "angles.csv": to_angles, "coco.json": to_coco}
_PACKED_ALREADY: Final = (".mp4", ".jpg")
# Deflate's stored blocks make a file of 4 GiB a little larger than that.
_LARGE: Final = 4_000_000_000


def to_everything(
    files: Sequence[tuple[str, int]], read: Callable[[str], Generator[bytes]], folder: str
) -> Iterator[bytes]:
    """Puts a result into a zip, one file after the other; memory stays the same whatever its size.

    Args:
        files: Path and bytes of each file of the result.
        read: Reads a file by its path, piece by piece.
        folder: Name of the folder in the zip that everything is in. It may be any text, and is
            made `portable`.

    Yields:
        Pieces of the zip.
    """
    archive, folder = ZipStream(), portable(folder)

    def add(name: str, pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
        packed = PurePosixPath(name).suffix not in _PACKED_ALREADY
        return archive.file(f"{folder}/{name}", pieces, packed=packed, large=size >= _LARGE)

    for name, size in files:
        with closing(read(name)) as source:
            yield from add(name, source, size)
    for name, convert in _MADE.items():
        with closing(read(_KEYPOINTS)) as source:
            # None is more than a few times the size of what it is made of.
            yield from add(name, convert(split_lines(source)), 8 * dict(files)[_KEYPOINTS])
    yield from archive.end()
