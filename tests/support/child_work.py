"""Methods that tests run in a child process; most of them misbehave."""

import ctypes
import itertools
import os
import threading
import time
from pathlib import Path

import av.error
import numpy as np

from poseway.errors import VideoError
from poseway.isolation import Parent


class ChildWork:
    """Runs in a child process and misbehaves on request."""

    def __init__(self, parent: Parent, name: str = "") -> None:
        self.parent = parent
        self.name = name

    def greet(self, whom: str) -> str:
        return f"{self.name} greets {whom}"

    def pid(self) -> int:
        return os.getpid()

    def crash(self) -> None:
        ctypes.string_at(0)

    def leave(self) -> None:
        os._exit(0)

    def hang(self) -> None:
        while True:
            pass

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def eat(self) -> int:
        """Allocates and fills blocks of 16 MiB until memory is exhausted."""
        return sum(len(held) for held in [np.ones(1 << 21) for _ in itertools.count()])

    def refuse(self) -> None:
        raise VideoError("It is too long.", "too_long")

    def stumble(self) -> None:
        raise KeyError("secret")

    def reads(self, name: str) -> list[bytes]:
        """Reads a whole file, a part near its end, and beyond its end."""
        with self.parent.file(name) as file:
            whole = file.read()
            file.seek(-3, os.SEEK_END)
            end = file.read(2)
            file.seek(1 << 40)
            return [whole, end, file.read(1)]

    def read_for_ever(self, name: str) -> None:
        file = self.parent.file(name)
        while True:
            file.seek(0)
            file.read()

    def writes(self) -> None:
        with self.parent.sink("write") as sink:
            sink.write(b"begin")
            sink.write(b"rest")
            sink.seek(0)
            sink.write(b"B")

    def decode(self, seconds: float) -> str:
        """Takes long, but reports progress."""
        over = time.monotonic() + seconds
        while time.monotonic() < over:
            self.parent.alive()
            time.sleep(0.05)
        return "done"

    def asks(self, values: list[int]) -> list[int]:
        return [self.parent.ask("double", value) for value in values]

    def parent_pid(self) -> int:
        return os.getppid()

    def give(self, size: int) -> bytes:
        return bytes(size)

    def grip(self, name: str) -> None:
        """Blocks all threads, including one that waits for its parent."""
        threading.Thread(target=self.read_for_ever, args=(name,), daemon=True).start()
        time.sleep(0.5)
        ctypes.PyDLL(None).sleep(60)

    def miss_the_end(self) -> None:
        raise av.error.EOFError(0, "of some file")

    def open_files(self) -> int:
        return len(list(Path("/proc/self/fd").iterdir()))
