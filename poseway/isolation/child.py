"""The process in which the work is done, and what it sees of the one that wants it."""

import io
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from poseway.errors import DecoderError, PosewayError, ServiceError
from poseway.isolation.messages import SHORT_OF_MEMORY, Kind
from poseway.isolation.rlimits import end_with, is_short, limit_memory

_ALIVE_SECONDS: Final = 1.0
_READ_BYTES: Final = 1 << 18
_WRITE_BYTES: Final = 1 << 20
# One message is no larger, so that neither side needs much memory for it.
_MESSAGE_BYTES: Final = 1 << 20


class Parent:
    """What a guest has of the world. Safe to use from several threads, but for one file of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._talking = threading.Lock()
        self._told = 0.0

    def ask(self, name: str, *args: Any) -> Any:  # noqa: ANN401 # whatever is answered
        """Has the host do something; see `Isolated`."""
        return self._exchange(Kind.ASK, name, args)

    def file(self, name: str) -> io.BufferedReader:
        """One of the files that the host has for the work."""
        return io.BufferedReader(_File(self._exchange, name), _READ_BYTES)

    def sink(self, name: str) -> io.BufferedWriter:
        """A file to write; the host is asked for `name` with the position and the bytes."""
        return io.BufferedWriter(_Sink(self._exchange, name), _WRITE_BYTES)

    def alive(self) -> None:
        """Says, every now and then, that the work goes on."""
        if time.monotonic() - self._told > _ALIVE_SECONDS:
            self._told = time.monotonic()
            with self._talking, _complete():
                self._connection.send((Kind.ALIVE,))

    def _exchange(self, *message: Any) -> Any:  # noqa: ANN401
        with self._talking, _complete():
            self._connection.send(message)
            return self._connection.recv()


@contextmanager
def _complete() -> Iterator[None]:
    """For messages: after one that broke off, nothing that follows would be understood."""
    try:
        yield
    except MemoryError:
        os._exit(SHORT_OF_MEMORY)
    except (EOFError, OSError):
        os._exit(1)  # the host is gone


class _Remote(io.RawIOBase):
    """A position in a file of the host's."""

    def __init__(self, exchange: Callable[..., Any], name: str) -> None:
        super().__init__()
        self._exchange = exchange
        self._name = name
        self._size = 0
        self._position = 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position


class _File(_Remote):
    def __init__(self, exchange: Callable[..., Any], name: str) -> None:
        super().__init__(exchange, name)
        self._size = exchange(Kind.SIZE, name)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 # anything that can be written to
        size = min(len(buffer), _MESSAGE_BYTES)
        data: bytes = self._exchange(Kind.READ, self._name, self._position, size)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class _Sink(_Remote):
    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 # anything that has bytes
        piece = bytes(memoryview(data)[:_MESSAGE_BYTES])
        self._exchange(Kind.ASK, self._name, (self._position, piece))
        self._position += len(piece)
        self._size = max(self._size, self._position)
        return len(piece)


def serve(
    connection: Connection,
    line: Connection,
    memory_bytes: int,
    make: Callable[..., object],
    args: tuple[Any, ...],
) -> None:
    """Runs methods of an object for the host, until that has enough; the body of the process.

    Args:
        connection: To the host.
        line: Breaks when the host ends.
        memory_bytes: Memory that the process may have.
        make: Makes the object of what is outside, and `args`.
        args: More for `make`.
    """
    # It ends with its host, not before: that has its own way to stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with(line)
    limit_memory(memory_bytes)
    # The host ends it in the middle of whatever it says.
    with suppress(EOFError, OSError):
        worker = make(Parent(connection), *args)
        while True:
            method, given = connection.recv()
            try:
                connection.send((Kind.DONE, getattr(worker, method)(*given)))
            except Exception as error:
                connection.send((Kind.RAISED, _told(error)))


def _told(error: Exception) -> PosewayError:
    """What the host is told: what others raise may not survive the way, nor say where it was."""
    if isinstance(error, PosewayError):
        return error
    where = traceback.format_exc()
    # Where memory is refused to a library, each says something else.
    if isinstance(error, MemoryError) or is_short():
        told = DecoderError(
            "Decoding the file needs more memory than is allowed. Convert it to MP4 (H.264), "
            "scaled down if it is large, and upload that.",
            "out_of_memory",
        )
        told.add_note(where)
        return told
    return ServiceError(f"{error!r}\n{where}")
