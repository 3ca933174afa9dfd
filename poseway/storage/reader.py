"""Reads an object as a seekable file, in blocks on demand."""

import io
from collections import OrderedDict

from poseway.errors import UnavailableError
from poseway.storage.store import ObjectStore, translated

BLOCK_BYTES = 1 << 20
KEPT_BLOCKS = 8


class ObjectReader(io.RawIOBase):
    """Reads an object through ranged requests.

    Caches the last few blocks, so that a demuxer that jumps between a file's index, video and audio
    does not fetch the same bytes again. Not thread-safe.

    Attributes:
        size: Size of the object in bytes.
    """

    def __init__(self, store: ObjectStore, key: str) -> None:
        """Opens the object.

        Args:
            store: Store of the object.
            key: Name of the object.

        Raises:
            NotFoundError: There is no such object.
        """
        super().__init__()
        info = store.head(key)
        self.size = info.size
        self._store = store
        self._key = key
        self._etag = info.etag
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        """Returns True."""
        return True

    def seekable(self) -> bool:
        """Returns True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a position and returns it; see `io.IOBase.seek`."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Returns the current position."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Reads `size` bytes, fewer only at the end of the object; all if negative."""
        end = self.size if size < 0 else min(self.size, self._position + size)
        pieces: list[bytes] = []
        while self._position < end:
            number, offset = divmod(self._position, BLOCK_BYTES)
            piece = self._block(number)[offset : offset + end - self._position]
            if not piece:
                raise UnavailableError(f"Object storage cut {self._key} short.")
            pieces.append(piece)
            self._position += len(piece)
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        block = self._blocks.pop(number, None)
        if block is None:
            first = number * BLOCK_BYTES
            last = min(first + BLOCK_BYTES, self.size) - 1
            with translated(self._key):
                block = self._store.client.get_object(
                    Bucket=self._store.bucket,
                    Key=self._key,
                    Range=f"bytes={first}-{last}",
                    IfMatch=self._etag,
                )["Body"].read()
            while len(self._blocks) >= KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks[number] = block
        return block
