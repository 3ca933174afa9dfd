"""The index of an MP4, changed so that the video begins at 0 wherever it stood in a longer one.

A segment begins where it is in the whole video: an edit list says so, by an empty edit before its
pictures. Browsers disagree about that, and wait, or show a length that is not so. Here the edit is
taken out, and its length out of the lengths that include it, in place: no byte moves.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final

Read = Callable[[int, int], bytes]
"""Reads the bytes from the first up to, not including, the second."""

_EMPTY: Final = -1
_HEADER: Final = 16
_LARGEST: Final = 16 << 20


def from_zero(read: Read, size: int) -> tuple[int, bytes]:
    """The changed index of a file with one track.

    Args:
        read: Reads the file.
        size: Its bytes.

    Returns:
        Where the index is, and what is to be there instead, of the same length. Nothing, if the
        file has no index that can be changed.
    """
    position = 0
    while position + 8 <= size:
        kind, length, _ = _box(read(position, min(size, position + _HEADER)), 0)
        if kind == b"moov" and length <= _LARGEST:
            index = bytearray(read(position, position + length))
            _begin_at_zero(index)
            return position, bytes(index)
        if length < 8:
            break
        position += length
    return 0, b""


def _box(data: bytes | bytearray, at: int) -> tuple[bytes, int, int]:
    """Kind and length of a box, and the length of its header."""
    length, kind = struct.unpack_from(">L4s", data, at)
    if length == 1:
        return kind, struct.unpack_from(">Q", data, at + 8)[0], 16
    return kind, length or len(data) - at, 8


def _boxes(data: bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte of the content, and end of each box in a stretch."""
    while start + 8 <= end:
        kind, length, header = _box(data, start)
        if length < header:
            return
        yield kind, start + header, min(end, start + length)
        start += length


def _find(data: bytearray, *path: bytes) -> tuple[int, int] | None:
    """Content of the first box at a path below the index."""
    where = 8, len(data)
    for wanted in path:
        inside = (box for box in _boxes(data, *where) if box[0] == wanted)
        found = next(inside, None)
        if found is None:
            return None
        where = found[1:]
    return where


def _begin_at_zero(index: bytearray) -> None:
    edits = _find(index, b"trak", b"edts", b"elst")
    if edits is None:
        return
    at, end = edits
    version, count = index[at], struct.unpack_from(">L", index, at + 4)[0]
    entry, layout = (20, ">Qq") if version else (12, ">Ll")
    empty, media = struct.unpack_from(layout, index, at + 8)
    if count < 2 or media != _EMPTY or at + 8 + count * entry != end:
        return
    # The list becomes an entry shorter; what was its last is free space.
    struct.pack_into(">L", index, at - 8, end - at + 8 - entry)
    struct.pack_into(">L", index, at + 4, count - 1)
    index[at + 8 : end - entry] = index[at + 8 + entry : end]
    struct.pack_into(">L4s", index, end - entry, entry, b"free")
    for path, short, wide in (((b"mvhd",), 16, 24), ((b"trak", b"tkhd"), 20, 28)):
        header = _find(index, *path)
        if header is not None:
            start, _ = header
            place, kind = (start + wide, ">Q") if index[start] else (start + short, ">L")
            (whole,) = struct.unpack_from(kind, index, place)
            struct.pack_into(kind, index, place, max(0, whole - empty))
