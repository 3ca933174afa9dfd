"""Decodes frames ahead in a thread, while earlier ones are drawn and encoded."""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_FRAMES: Final = 4
_POLL_SECONDS: Final = 0.1


def prefetched(source: Iterator[T], limit: int = _FRAMES) -> Generator[T, None, None]:
    """Yields the items of `source`, which runs ahead in a thread of its own.

    A single thread decodes the same frames wherever it starts and on any number of cores. FFmpeg's
    own threads do not: behind a damaged packet near the end they lose intact frames.

    Args:
        source: Iterated in one thread only, and no longer once the generator is closed.
        limit: Limit on the items that wait.

    Raises:
        Exception: The error that `source` raised, after the items before it.
    """
    thread: _Prefetcher[T] = _Prefetcher(source, limit)
    thread.start()
    try:
        while not isinstance(item := thread.items.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        thread.stopped.set()
        thread.join()


class _End:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Prefetcher(threading.Thread, Generic[T]):
    """A bounded queue of items, and the thread that fills it."""

    def __init__(self, source: Iterator[T], limit: int) -> None:
        super().__init__(daemon=True)
        self.items: queue.Queue[T | _End] = queue.Queue(limit)
        self.stopped = threading.Event()
        self._source = source

    def run(self) -> None:
        try:
            for item in self._source:
                if not self._put(item):
                    return
        except BaseException as error:  # passed on to the consumer, whatever it is
            self._put(_End(error))
        else:
            self._put(_End())

    def _put(self, item: T | _End) -> bool:
        """Queues an item; False if the consumer is gone."""
        while not self.stopped.is_set():
            try:
                self.items.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False
