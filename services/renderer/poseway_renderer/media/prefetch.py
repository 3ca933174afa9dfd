"""Frames decoded ahead, while those before are drawn and encoded."""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_FRAMES: Final = 4
_LOOK_SECONDS: Final = 0.1


def prefetched(source: Iterator[T], most: int = _FRAMES) -> Generator[T, None, None]:
    """Yields what `source` does, which is asked by a thread of its own.

    One thread decodes the same frames wherever it begins and however many cores there are. Several
    of FFmpeg's do not: behind a damaged packet near the end they lose frames that are whole.

    Args:
        source: Is asked from one thread only, and not any more once the generator is closed.
        most: Items that wait at most.

    Raises:
        Exception: What `source` raised, after what came before.
    """
    thread: _Prefetcher[T] = _Prefetcher(source, most)
    thread.start()
    try:
        while not isinstance(item := thread.waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        thread.over.set()
        thread.join()


class _End:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Prefetcher(threading.Thread, Generic[T]):
    """Items that wait, and the thread that fetches them."""

    def __init__(self, source: Iterator[T], most: int) -> None:
        super().__init__(daemon=True)
        self.waiting: queue.Queue[T | _End] = queue.Queue(most)
        self.over = threading.Event()
        self._source = source

    def run(self) -> None:
        try:
            for item in self._source:
                if not self._put(item):
                    return
        except BaseException as error:  # Whatever it is, the one who asks gets it.
            self._put(_End(error))
        else:
            self._put(_End())

    def _put(self, item: T | _End) -> bool:
        """Whether somebody still wants it."""
        while not self.over.is_set():
            try:
                self.waiting.put(item, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return True
        return False
