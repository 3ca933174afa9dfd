"""What an MP4 consists of."""

import struct


def boxes(mp4: bytes) -> list[tuple[str, int]]:
    """Name and size of the outermost boxes."""
    found, position = [], 0
    while position < len(mp4):
        size, name = struct.unpack_from(">I4s", mp4, position)
        if size == 1:
            (size,) = struct.unpack_from(">Q", mp4, position + 8)
        found.append((name.decode(), size))
        position += size
    return found
