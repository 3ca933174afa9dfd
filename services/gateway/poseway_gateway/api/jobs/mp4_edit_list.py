"""Patches the index of an MP4 so that a segment of a longer video begins at 0.

A segment keeps its time in the whole video: its edit list begins with an empty edit. Browsers
disagree about empty edits; some wait, some show the wrong duration. The patch removes the edit and
subtracts its duration from the durations that include it, in place, so that no byte moves.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final

Read = Callable[[int, int], bytes]
"""Returns the bytes from the first position up to, but not including, the second."""

_EMPTY: Final = -1
_HEADER: Final = 16
_LARGEST: Final = 16 << 20


def from_zero(read: Read, size: int) -> tuple[int, bytes]:
    """Returns the patched index of a file with one track.

    Args:
        read: Reads the file.
        size: Size of the file in bytes.

    Returns:
        Position of the index, and the bytes that replace it, of the same length; no bytes if the
        file has no index that can be patched.
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
    """Returns type and length of a box, and the length of its header."""
    length, kind = struct.unpack_from(">L4s", data, at)
    if length == 1:
        return kind, struct.unpack_from(">Q", data, at + 8)[0], 16
    return kind, length or len(data) - at, 8


def _boxes(data: bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields type, start of the content and end of each box from `start` to `end`."""
    while start + 8 <= end:
        kind, length, header = _box(data, start)
        if length < header:
            return
        yield kind, start + header, min(end, start + length)
        start += length


def _find(data: bytearray, *path: bytes) -> tuple[int, int] | None:
    """Returns start and end of the content of the first box at a path below the index."""
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
    # The list becomes one entry shorter; a free box fills the space.
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
