"""The process that wants work done, and has it done in another."""

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

# Forked from a process that has nothing but the modules, so that one begins in milliseconds.
_CONTEXT: Final = multiprocessing.get_context("forkserver")
_DYING_SECONDS: Final = 5.0
# To begin a process looks after those of all threads: of two that look at one at the same time only
# one learns how it ended.
_children: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a guest may take.

    Attributes:
        memory_bytes: Memory that it can write to.
        silence_seconds: Time in which it must decode a frame, or get something else done. Waiting
            for its host does not count.
    """

    memory_bytes: int
    silence_seconds: float


def prepare(*modules: str) -> None:
    """Gets ready to begin guests quickly.

    Args:
        modules: Names of the modules that they need.
    """
    _CONTEXT.set_forkserver_preload([child.__name__, *modules])
    forkserver.ensure_running()


def clean_up() -> None:
    """Removes the socket of `prepare`, for processes that do not take Python's own way out."""
    shutil.rmtree(get_temp_dir(), ignore_errors=True)


class Isolated:
    """An object in a process of its own, whose methods are run there.

    Not for use from several threads, but for `kill`, which may come at any time.
    """

    def __init__(
        self,
        make: Callable[..., object],
        *args: object,
        limits: Limits,
        files: Callable[[str], SeekableFile],
        answers: Mapping[str, Callable[..., object]] | None = None,
    ) -> None:
        """Begins the process.

        Args:
            make: Class of the object; is given an `Parent` and `args`.
            args: More for `make`.
            limits: What the process may take.
            files: Files that it reads, by their names.
            answers: What it may ask for, by name.

        Raises:
            UnavailableError: The system begins no process.
        """
        self._limits = limits
        self._files = files
        self._answers = {} if answers is None else answers
        self._left = limits.silence_seconds
        self._killing = threading.Lock()
        self._unwanted = False
        self._connection, theirs = _CONTEXT.Pipe()
        _limit_sending(self._connection, limits.silence_seconds)
        # Nothing goes through it. It breaks when this process ends, whatever ends it.
        line, self._line = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(
            target=child.serve, args=(theirs, line, limits.memory_bytes, make, args), daemon=True
        )
        try:
            self._begin()
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

    def call(self, method: str, *args: object) -> Any:  # noqa: ANN401 # what the method returns
        """Runs a method.

        Returns:
            What it returned.

        Raises:
            DecoderError: It broke its process, or a limit.
            UnavailableError: The process was ended by `kill`.
            ServiceError: It raised what it does not say to raise.
            PosewayError: What it raised, or what kept the host from answering it.
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
        """Ends the process, whatever it is doing; a call that waits for it raises."""
        self._unwanted = True
        self._end()

    def close(self) -> None:
        """Ends the process and lets go of it."""
        self.kill()
        with _children:
            self._process.join()
        self._process.close()
        self._connection.close()

    def _begin(self) -> None:
        for pause in (0.1, 0.5, None):
            try:
                with _children:
                    self._process.start()
                return
            except (OSError, EOFError):
                if pause is None:
                    raise
                time.sleep(pause)  # what forks has ended, and this is not known yet

    def _end(self) -> None:
        with self._killing:
            self._line.close()  # not by its number, which may be somebody else's by now
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
        # Reading alone gets nobody anywhere: a file can be read for ever.
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
        if self._unwanted:
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
    """Whoever sends gets a `BlockingIOError` where nothing is taken for so long, see socket(7)."""
    whole, part = divmod(seconds, 1)
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        limit = struct.pack("ll", int(whole), int(part * 1e6))
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
