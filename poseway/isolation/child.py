"""The child process: it runs the methods that its parent calls."""

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
# Upper limit of one message, so that neither side needs much memory for it.
_MESSAGE_BYTES: Final = 1 << 20


class Parent:
    """The parent process as its child sees it. Thread-safe, except for each single file."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._talking = threading.Lock()
        self._told = 0.0

    def ask(self, name: str, *args: Any) -> Any:  # noqa: ANN401 # whatever the parent returns
        """Calls one of the parent's functions; see `Isolated`."""
        return self._exchange(Kind.ASK, name, args)

    def file(self, name: str) -> io.BufferedReader:
        """Opens one of the parent's files for reading."""
        return io.BufferedReader(_File(self._exchange, name), _READ_BYTES)

    def sink(self, name: str) -> io.BufferedWriter:
        """Opens a file for writing: each piece goes to the parent's function `name`."""
        return io.BufferedWriter(_Sink(self._exchange, name), _WRITE_BYTES)

    def alive(self) -> None:
        """Reports progress to the parent, at most once per second."""
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
    """Ends the process if a message breaks off: the connection is useless after that."""
    try:
        yield
    except MemoryError:
        os._exit(SHORT_OF_MEMORY)
    except (EOFError, OSError):
        os._exit(1)  # the parent is gone


class _Remote(io.RawIOBase):
    """A position in one of the parent's files."""

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

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 # any writable buffer
        size = min(len(buffer), _MESSAGE_BYTES)
        data: bytes = self._exchange(Kind.READ, self._name, self._position, size)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class _Sink(_Remote):
    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 # any readable buffer
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
    """Runs methods of an object for the parent until the connection closes. Main of the child.

    Args:
        connection: Connection to the parent.
        line: Pipe that breaks when the parent ends.
        memory_bytes: Memory limit of the process.
        make: Creates the object from a `Parent` and `args`.
        args: Further arguments of `make`.
    """
    # The child ends with its parent, which handles these signals itself.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with(line)
    limit_memory(memory_bytes)
    # The parent may kill the child while a message is being sent.
    with suppress(EOFError, OSError):
        worker = make(Parent(connection), *args)
        while True:
            method, given = connection.recv()
            try:
                connection.send((Kind.DONE, getattr(worker, method)(*given)))
            except Exception as error:
                connection.send((Kind.RAISED, _portable(error)))


def _portable(error: Exception) -> PosewayError:
    """The error to send. Other exceptions may not survive pickling and lose their traceback."""
    if isinstance(error, PosewayError):
        return error
    where = traceback.format_exc()
    # Each library reports a failed allocation in its own way.
    if isinstance(error, MemoryError) or is_short():
        no_memory = DecoderError(
            "Decoding the file needs more memory than is allowed. Convert it to MP4 (H.264), "
            "scaled down if it is large, and upload that.",
            "out_of_memory",
        )
        no_memory.add_note(where)
        return no_memory
    return ServiceError(f"{error!r}\n{where}")
