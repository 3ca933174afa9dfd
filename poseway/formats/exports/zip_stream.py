"""Writes a zip as a stream, with a small directory in memory (APPNOTE.TXT 6.3.10)."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

# Flags: sizes and checksum follow the data; the name is UTF-8.
_FLAGS: Final = (1 << 3) | (1 << 11)
_DEFLATE: Final = 8
_LEVEL: Final = 6
# A fixed date, 1 January 1980, so that the same files give the same zip.
_TIME, _DATE = 0, (1 << 5) | 1
_PLAIN, _ZIP64 = 20, 45
"""Version that a reader needs: for deflate, or for many or large files."""
_UNIX: Final = 3
_MODE: Final = 0o100644 << 16
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFFFFFF


class ZipStream:
    """Writes a zip as a stream of bytes.

    A zip ends with a directory of its files. It is kept compressed in memory: its entries are so
    alike that a file takes about 12 bytes, where `zipfile.ZipFile` takes 750.
    """

    def __init__(self) -> None:
        self._offset = 0
        self._files = 0
        self._packer = zlib.compressobj()
        self._directory: list[bytes] = []

    def file(
        self, name: str, pieces: Iterable[bytes], *, packed: bool = True, large: bool = False
    ) -> Iterator[bytes]:
        """Writes a file. Exhaust the iterator before writing anything else.

        Args:
            name: Path in the zip.
            pieces: Content of the file, at most 4 GiB unless it is `large`.
            packed: Whether to compress the file; a video cannot be made smaller.
            large: Whether the file may exceed 4 GiB, which needs ZIP64.
        """
        start, path = self._offset, name.encode()
        fields = (_FLAGS, _DEFLATE, _TIME, _DATE)
        needed = _ZIP64 if large else _PLAIN
        # With this field, the sizes after the data have eight bytes each.
        extra = struct.pack("<2H2Q", 1, 16, 0, 0) if large else b""
        sizes_here = (_MAX_32, _MAX_32) if large else (0, 0)
        yield self._counted(
            struct.pack(
                "<4s5H3L2H", b"PK\3\4", needed, *fields, 0, *sizes_here, len(path), len(extra)
            )
            + path
            + extra
        )
        # Deflate at level 0 rather than storing: a stored file needs its size before its data.
        packer = zlib.compressobj(_LEVEL if packed else 0, zlib.DEFLATED, -zlib.MAX_WBITS)
        crc = size = 0
        before = self._offset
        for piece in pieces:
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            if some := packer.compress(piece):
                yield self._counted(some)
        yield self._counted(packer.flush())
        sizes = (crc, self._offset - before, size)
        layout = "<4sL2Q" if large else "<4s3L"
        yield self._counted(struct.pack(layout, b"PK\7\x08", *sizes))
        self._list(path, fields, sizes, start, large=large)

    def _counted(self, data: bytes) -> bytes:
        self._offset += len(data)
        return data

    def _list(
        self,
        path: bytes,
        fields: tuple[int, ...],
        sizes: tuple[int, int, int],
        start: int,
        *,
        large: bool,
    ) -> None:
        crc, *lengths = sizes
        far = start >= _MAX_32
        # In the order of the format: size, compressed size, offset.
        wide = (lengths[::-1] if large else []) + ([start] if far else [])
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        needed = _ZIP64 if wide else _PLAIN
        entry = struct.pack(
            "<4s2BH4H3L5H2L",
            b"PK\1\2",
            _ZIP64,
            _UNIX,
            needed,
            *fields,
            crc,
            *((_MAX_32, _MAX_32) if large else lengths),
            len(path),
            len(extra),
            *(0, 0, 0),
            _MODE,
            min(start, _MAX_32),
        )
        if some := self._packer.compress(entry + path + extra):
            self._directory.append(some)
        self._files += 1

    def end(self) -> Iterator[bytes]:
        """Writes the directory, which ends the zip."""
        self._directory.append(self._packer.flush())
        start = self._offset
        unpacker = zlib.decompressobj()
        for some in self._directory:
            yield self._counted(unpacker.decompress(some))
        size, end = self._offset - start, self._offset
        if self._files >= _MAX_16 or end >= _MAX_32:
            counts = (self._files, self._files, size, start)
            yield struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, _ZIP64, _ZIP64, 0, 0, *counts)
            yield struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
        files = min(self._files, _MAX_16)
        where = min(size, _MAX_32), min(start, _MAX_32)
        yield struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, files, files, *where, 0)
