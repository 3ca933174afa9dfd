"""Prefetched items arrive in order, errors after them, and nothing runs after close."""

import threading
from collections.abc import Iterator

import pytest

from poseway_renderer.media.prefetch import prefetched


def test_items_arrive_in_order() -> None:
    assert list(prefetched(iter(range(50)), 3)) == list(range(50))


def test_error_arrives_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("gone")

    items = prefetched(broken())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(OSError, match="gone"):
        next(items)


def test_source_is_not_read_beyond_the_limit_or_after_close() -> None:
    asked = []

    def counted() -> Iterator[int]:
        for number in range(1000):
            asked.append(number)
            yield number

    threads = threading.active_count()
    items = prefetched(counted(), 3)
    assert next(items) == 0
    items.close()
    # One item was consumed, three wait in the queue, and the thread holds one.
    assert len(asked) <= 5
    assert threading.active_count() == threads
