"""Distinguishes a raw MJPEG video from a JPEG image that contains or precedes other JPEGs."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from poseway.isolation.files import SeekableFile

_START: Final = b"\xff\xd8\xff"
_NEXT: Final = 0xD8
_END: Final = 0xD9
_SCAN: Final = 0xDA
# Start-of-frame markers, whose segments hold the size (ITU-T T.81, table B.1).
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP2: Final = 0xE2
_MULTI_PICTURE: Final = b"MPF\0"
# In entropy-coded data, FF is followed by a stuffed zero or a restart marker (ITU-T T.81, B.1.1.5).
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
# Limit on the segments of one JPEG; no camera writes as many.
_MAX_SEGMENTS: Final = 1000
# Some cameras pad each frame to a round number of bytes.
_MAX_PADDING: Final = 4096
_READ: Final = 1 << 16
_BOUNDARY: Final = re.compile(rb"--[^\r\n]*\r?\n([^\r\n]+\r?\n)*content-type:\s*image/jpeg", re.I)


@dataclass(frozen=True, slots=True)
class _Picture:
    """Properties that frames of one video share: size, and the markers before the coded data."""

    size: bytes
    markers: bytes


def is_multipart(head: bytes) -> bool:
    """Whether a file with this head is a multipart HTTP stream of JPEGs, as IP cameras send."""
    return _BOUNDARY.match(head.lstrip(b"\r\n")) is not None


def is_motion_jpeg(file: "SeekableFile") -> bool:
    """Whether a file that starts with a JPEG is a video: a similar JPEG follows immediately.

    Phones also append JPEGs to an image: previews, gain maps, the second view of a stereo pair.
    These are listed in the first one (CIPA DC-007, multi-picture format), have another size, or are
    coded differently. The frames of a video are all alike.

    Args:
        file: Positioned at the start of the JPEG.
    """
    stream = _Bytes(file)
    first = _read(stream)
    if first is None:
        return False
    for _ in range(_MAX_PADDING):
        if stream.peek(3) == _START:
            return _read(stream) == first
        if stream.take(1) not in (b"\0", b"\xff", b"\r", b"\n"):
            return False
    return False


def _read(stream: "_Bytes") -> _Picture | None:
    """Reads a JPEG to its end; None if it has no end or declares that others belong to it."""
    size, markers, in_head = b"", b"", True
    if stream.take(2) != _START[:2]:
        return None
    for _ in range(_MAX_SEGMENTS):
        marker = stream.marker()
        if marker is None:
            return None
        if _ends(stream, marker, in_head=in_head):
            return _Picture(size, markers)
        body = stream.take(max(0, int.from_bytes(stream.take(2)) - 2))
        if marker == _APP2 and body.startswith(_MULTI_PICTURE):
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
    """Whether a JPEG ends with this marker or immediately before it."""
    if marker == _NEXT and not in_head:  # the end marker is lost, and the next JPEG starts
        stream.back(2)
        return True
    return marker == _END


class _Bytes:
    """Buffered access to a file from its current position on."""

    def __init__(self, file: "SeekableFile") -> None:
        self._file = file
        self._data = b""
        self._at = 0

    def peek(self, size: int) -> bytes:
        """Returns up to `size` bytes without consuming them."""
        if self._at + size > len(self._data):
            self._data = self._data[self._at :] + self._file.read(max(size, _READ))
            self._at = 0
        return self._data[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        """Returns and consumes up to `size` bytes."""
        found = self.peek(size)
        self._at += len(found)
        return found

    def back(self, size: int) -> None:
        """Returns to before the last `size` bytes that were taken."""
        self._at -= size

    def marker(self) -> int | None:
        """Reads a marker; None if the next bytes are not one."""
        if self.take(1) != b"\xff":
            return None
        while (found := self.take(1)) == b"\xff":
            pass
        return found[0] if found else None

    def skip_samples(self) -> bool:
        """Skips entropy-coded data up to the next marker; False if the file ends first."""
        while len(self.peek(2)) == 2:
            found = _MARKER.search(self._data, self._at)
            if found:
                self._at = found.start()
                return True
            # The last byte may be the first half of a marker.
            self._at = len(self._data) - 1
        return False
