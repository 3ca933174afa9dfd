"""Frames of all callers, worked on by a fixed number of threads."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Generic, TypeVar

from poseway.errors import OverloadedError

F = TypeVar("F")
P = TypeVar("P")


class Pool(Generic[F, P]):
    """Runs a function on batches of frames, as many batches side by side as there are workers.

    The frames that were taken and not yet answered are bounded; more are refused, so that callers
    wait where they are instead of filling the memory here.
    """

    def __init__(self, workers: int, batch_size: int, max_frames: int) -> None:
        """Starts the workers.

        Args:
            workers: Threads.
            batch_size: Frames that are given to the function at once.
            max_frames: Most frames taken and not yet answered.
        """
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self._batch_size = batch_size
        self._free = max_frames
        self._lock = threading.Lock()

    def map(self, work: Callable[[list[F]], list[P]], frames: Iterable[F]) -> Iterator[P]:
        """Applies `work` to batches of frames; yields the answers in order, as they are ready.

        The frames are taken as they come: work on the first begins while the last is on its way.

        Raises:
            OverloadedError: Too many frames are being worked on.
        """
        incoming = iter(frames)
        pending: deque[tuple[int, Future[list[P]]]] = deque()
        try:
            while batch := list(islice(incoming, self._batch_size)):
                self._take(len(batch))
                pending.append((len(batch), self._threads.submit(work, batch)))
                while pending and pending[0][1].done():
                    yield from self._answer(pending)
            while pending:
                yield from self._answer(pending)
        finally:
            # The caller went away, or something broke: what has not begun need not begin.
            while pending:
                count, future = pending.popleft()
                future.cancel()
                self._give(count)

    def _answer(self, pending: deque[tuple[int, Future[list[P]]]]) -> list[P]:
        answers = pending[0][1].result()
        self._give(pending.popleft()[0])
        return answers

    def _take(self, count: int) -> None:
        with self._lock:
            if count > self._free:
                raise OverloadedError("Too many frames are in flight. Send them again later.")
            self._free -= count

    def _give(self, count: int) -> None:
        with self._lock:
            self._free += count
