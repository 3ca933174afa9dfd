"""Telling a raw MJPEG video from a JPEG picture with others in it or behind it."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from poseway.isolation.files import SeekableFile

_START: Final = b"\xff\xd8\xff"
_NEXT: Final = 0xD8
_END: Final = 0xD9
_SCAN: Final = 0xDA
# Start of frame, of all kinds: what the size is in.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP2: Final = 0xE2
_SEVERAL: Final = b"MPF\0"
# In the coded samples, FF is followed by a zero or by a restart marker.
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
# No camera writes more of them into a picture.
_MOST_SEGMENTS: Final = 1000
# Some cameras fill each picture up to a round number of bytes.
_FILLING: Final = 4096
_READ: Final = 1 << 16
_BOUNDARY: Final = re.compile(rb"--[^\r\n]*\r?\n([^\r\n]+\r?\n)*content-type:\s*image/jpeg", re.I)


@dataclass(frozen=True, slots=True)
class _Picture:
    """What tells one JPEG from another: its size, and the markers before its samples."""

    size: bytes
    markers: bytes


def is_multipart(head: bytes) -> bool:
    """Whether a file that begins like this is a stream of JPEGs, as IP cameras send it in HTTP."""
    return _BOUNDARY.match(head.lstrip(b"\r\n")) is not None


def is_motion_jpeg(file: "SeekableFile") -> bool:
    """Whether a file that begins with a JPEG is a video: the next one is right behind the first.

    Phones, too, put JPEGs behind a picture: previews, gain maps, the other eye's view. They list
    them in the picture (CIPA DC-007, multi-picture format), or the others are of another size, or
    are written in another way. The pictures of a video are all alike.

    Args:
        file: At the start of the JPEG.
    """
    stream = _Bytes(file)
    first = _read(stream)
    if first is None:
        return False
    for _ in range(_FILLING):
        if stream.peek(3) == _START:
            return _read(stream) == first
        if stream.take(1) not in (b"\0", b"\xff", b"\r", b"\n"):
            return False
    return False


def _read(stream: "_Bytes") -> _Picture | None:
    """Reads a JPEG up to its end; None if it has none, or says that others belong to it."""
    size, markers, in_head = b"", b"", True
    if stream.take(2) != _START[:2]:
        return None
    for _ in range(_MOST_SEGMENTS):
        marker = stream.marker()
        if marker is None:
            return None
        if _ends(stream, marker, in_head=in_head):
            return _Picture(size, markers)
        body = stream.take(max(0, int.from_bytes(stream.take(2)) - 2))
        if marker == _APP2 and body.startswith(_SEVERAL):
            return None
        if marker in _FRAMES:
            size = body[1:5]
        if marker == _SCAN:
            in_head = False
            if not stream.skip_samples():
                return None
        elif in_head:
            markers += bytes((marker,))
    return None


def _ends(stream: "_Bytes", marker: int, *, in_head: bool) -> bool:
    """Whether a picture ends with a marker, or before it."""
    if marker == _NEXT and not in_head:  # its end is damaged, and the next one begins
        stream.back(2)
        return True
    return marker == _END


class _Bytes:
    """A file from its position on, a piece at a time."""

    def __init__(self, file: "SeekableFile") -> None:
        self._file = file
        self._data = b""
        self._at = 0

    def peek(self, size: int) -> bytes:
        """Up to so many bytes, without going on."""
        if self._at + size > len(self._data):
            self._data = self._data[self._at :] + self._file.read(max(size, _READ))
            self._at = 0
        return self._data[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        """Up to so many bytes."""
        found = self.peek(size)
        self._at += len(found)
        return found

    def back(self, size: int) -> None:
        """Goes back by so many of the bytes that were just taken."""
        self._at -= size

    def marker(self) -> int | None:
        """The marker that comes next; None if there is something else."""
        if self.take(1) != b"\xff":
            return None
        while (found := self.take(1)) == b"\xff":
            pass
        return found[0] if found else None

    def skip_samples(self) -> bool:
        """Goes to the marker after coded samples; False if the file ends before."""
        while len(self.peek(2)) == 2:
            found = _MARKER.search(self._data, self._at)
            if found:
                self._at = found.start()
                return True
            # The last byte may be the first of a marker.
            self._at = len(self._data) - 1
        return False
