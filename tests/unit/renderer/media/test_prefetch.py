"""Frames decoded ahead come in order, errors after them, and nobody asks once it is over."""

import threading
from collections.abc import Iterator

import pytest

from poseway_renderer.media.prefetch import prefetched


def test_all_come_in_order() -> None:
    assert list(prefetched(iter(range(50)), 3)) == list(range(50))


def test_an_error_comes_after_what_was_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("gone")

    items = prefetched(broken())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(OSError, match="gone"):
        next(items)


def test_no_more_are_fetched_than_may_wait_and_none_after_the_end() -> None:
    asked = []

    def counted() -> Iterator[int]:
        for number in range(1000):
            asked.append(number)
            yield number

    threads = threading.active_count()
    items = prefetched(counted(), 3)
    assert next(items) == 0
    items.close()
    # One is with us, three wait, one is in its thread's hand.
    assert len(asked) <= 5
    assert threading.active_count() == threads
