"""The file interface that decoders read from."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class SeekableFile(Protocol):
    """A file that can be read at any position."""

    def read(self, size: int = -1, /) -> bytes:
        """Reads up to `size` bytes; all if negative."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Moves to a position and returns it."""

    def tell(self) -> int:
        """Returns the current position."""
