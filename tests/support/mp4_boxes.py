"""Boxes of MP4 files."""

import struct


def boxes(mp4: bytes) -> list[tuple[str, int]]:
    """Yields name and size of the top-level boxes."""
    found, position = [], 0
    while position < len(mp4):
        size, name = struct.unpack_from(">I4s", mp4, position)
        if size == 1:
            (size,) = struct.unpack_from(">Q", mp4, position + 8)
        found.append((name.decode(), size))
        position += size
    return found
