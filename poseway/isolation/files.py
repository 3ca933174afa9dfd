"""Files as a child process sees them."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class SeekableFile(Protocol):
    """What a video is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Reads up to `size` bytes."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Moves to a position."""

    def tell(self) -> int:
        """The current position."""
