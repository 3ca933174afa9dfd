"""Helpers for tests of batches: work that can be blocked, and threads."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from poseway_inference.scheduling.batcher import Batcher

Make = Callable[..., Batcher[str, int, int]]
T = TypeVar("T")

SOON = 5.0
"""Seconds after which a waiting test fails."""

NEVER = 60.0
"""A delay so long that a test waiting for it fails."""


class Work:
    """Answers a frame with its negative; can be blocked, and records its batches."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, key: str, frames: list[int]) -> list[int]:
        self.batches.append((key, frames))
        self.begun.set()
        assert self.go_on.wait(SOON)
        return [-frame for frame in frames]

    @property
    def frames(self) -> list[int]:
        return [frame for _, frames in self.batches for frame in frames]


def start(function: Callable[..., T], *args: object) -> Future[T]:
    """Calls a function in a thread that does not keep a failed test from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function(*args))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def keyed(*frames: int, key: str = "key") -> list[tuple[str, int]]:
    return [(key, frame) for frame in frames]
