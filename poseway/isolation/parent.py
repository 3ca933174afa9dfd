"""The parent's side: it starts a child process, calls its methods and limits it."""

import multiprocessing
import os
import shutil
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.util import get_temp_dir
from types import TracebackType
from typing import Any, Final, Self

import structlog

from poseway.errors import DecoderError, PosewayError, UnavailableError
from poseway.isolation import child
from poseway.isolation.files import SeekableFile
from poseway.isolation.messages import SHORT_OF_MEMORY, Kind

log = structlog.get_logger(__name__)

# A server process that has only imported the modules is forked, so a child starts in milliseconds.
_CONTEXT: Final = multiprocessing.get_context("forkserver")
_DYING_SECONDS: Final = 5.0
# `Process.start` reaps the children of every thread. Two threads reaping at once would lose an exit
# status.
_children: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a child process.

    Attributes:
        memory_bytes: Writable memory in bytes.
        silence_seconds: Time within which the child must make progress, for example decode a frame.
            Waiting for the parent does not count.
    """

    memory_bytes: int
    silence_seconds: float


def prepare(*modules: str) -> None:
    """Starts the fork server, so that children start quickly.

    Args:
        modules: Names of the modules that children need.
    """
    _CONTEXT.set_forkserver_preload([child.__name__, *modules])
    forkserver.ensure_running()


def clean_up() -> None:
    """Removes the fork server's socket. For processes that exit without Python's own clean-up."""
    shutil.rmtree(get_temp_dir(), ignore_errors=True)


class Isolated:
    """An object that lives in a child process and whose methods run there.

    Not thread-safe, except for `kill`, which any thread may call at any time.
    """

    def __init__(
        self,
        make: Callable[..., object],
        *args: object,
        limits: Limits,
        files: Callable[[str], SeekableFile],
        answers: Mapping[str, Callable[..., object]] | None = None,
    ) -> None:
        """Starts the process.

        Args:
            make: Class of the object. Receives a `Parent` and `args`.
            args: Further arguments of `make`.
            limits: Limits of the process.
            files: Returns the file of a name that the child reads.
            answers: Functions that the child may call, by name.

        Raises:
            UnavailableError: The operating system cannot start a process.
        """
        self._limits = limits
        self._files = files
        self._answers = {} if answers is None else answers
        self._left = limits.silence_seconds
        self._killing = threading.Lock()
        self._killed = False
        self._connection, theirs = _CONTEXT.Pipe()
        _limit_sending(self._connection, limits.silence_seconds)
        # Carries no data. It breaks when this process ends, however it ends.
        line, self._line = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(
            target=child.serve, args=(theirs, line, limits.memory_bytes, make, args), daemon=True
        )
        try:
            self._start()
        except (OSError, EOFError) as error:
            self._connection.close()
            self._line.close()
            raise UnavailableError(
                f"The operating system cannot start a process: {error!r}"
            ) from error
        finally:
            theirs.close()
            line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType
    ) -> None:
        self.close()

    def call(self, method: str, *args: object) -> Any:  # noqa: ANN401 # the method's result
        """Calls a method of the object in the child process.

        Returns:
            The result of the method.

        Raises:
            DecoderError: The method crashed its process or exceeded a limit.
            UnavailableError: `kill` ended the process.
            ServiceError: The method raised an unexpected exception.
            PosewayError: Raised by the method, or by the parent while replying to the child.
        """
        self._left = self._limits.silence_seconds
        self._send((method, args))
        while True:
            kind, *rest = self._receive()
            if kind is Kind.DONE:
                return rest[0]
            if kind is Kind.RAISED:
                raise rest[0]
            if kind is not Kind.ALIVE:
                self._send(self._answer(kind, *rest))

    def kill(self) -> None:
        """Kills the process, whatever it is doing. A waiting call raises `UnavailableError`."""
        self._killed = True
        self._end()

    def close(self) -> None:
        """Kills the process and releases its resources."""
        self.kill()
        with _children:
            self._process.join()
        self._process.close()
        self._connection.close()

    def _start(self) -> None:
        for pause in (0.1, 0.5, None):
            try:
                with _children:
                    self._process.start()
                return
            except (OSError, EOFError):
                if pause is None:
                    raise
                time.sleep(
                    pause
                )  # the fork server ended, which multiprocessing has not noticed yet

    def _end(self) -> None:
        with self._killing:
            self._line.close()  # not a kill by process id, which may have been reused
            if sys.platform != "linux":
                self._process.kill()

    def _answer(self, kind: Kind, name: str, *rest: Any) -> object:  # noqa: ANN401
        if kind is Kind.ASK:
            (args,) = rest
            return self._answers[name](*args)
        file = self._files(name)
        if kind is Kind.SIZE:
            return file.seek(0, 2)
        position, size = rest
        file.seek(position)
        return file.read(size)

    def _send(self, message: object) -> None:
        try:
            self._connection.send(message)
        except OSError as error:
            raise (self._stuck() if isinstance(error, BlockingIOError) else self._died()) from error

    def _receive(self) -> Any:  # noqa: ANN401 # a message
        began = time.monotonic()
        if not self._connection.poll(max(0.0, self._left)):
            raise self._stuck()
        try:
            message = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error
        # Reading is not progress: a file can be read forever.
        if message[0] in (Kind.READ, Kind.SIZE):
            self._left -= time.monotonic() - began
        else:
            self._left = self._limits.silence_seconds
        return message

    def _stuck(self) -> DecoderError:
        self._end()
        log.warning("decoder ended", reason="silent", seconds=self._limits.silence_seconds)
        return DecoderError(
            f"Decoding the file made no progress for {self._limits.silence_seconds:.0f} s. Convert "
            "it to MP4 (H.264) and upload that.",
            "decoder_stuck",
        )

    def _died(self) -> PosewayError:
        if self._killed:
            return UnavailableError("Decoding the file was cancelled.")
        with _children:
            self._process.join(_DYING_SECONDS)
        status = self._process.exitcode
        log.warning("decoder ended", reason="died", status=status)
        if status in (-signal.SIGKILL, SHORT_OF_MEMORY):
            return DecoderError(
                "The system stopped the decoder, most likely because it ran out of memory. Convert "
                "the file to MP4 (H.264), scaled down if it is large, and upload that.",
                "out_of_memory",
            )
        return DecoderError(
            "The file makes the decoder crash. Convert it to MP4 (H.264) and upload that.",
            "decoder_crashed",
        )


def _limit_sending(connection: Connection, seconds: float) -> None:
    """Makes sending raise `BlockingIOError` if the receiver takes nothing; see socket(7)."""
    whole, part = divmod(seconds, 1)
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        limit = struct.pack("ll", int(whole), int(part * 1e6))
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
