import threading
from collections.abc import Iterator

import pytest

from poseway.errors import OverloadedError
from services.inference.pool import Pool


def test_answers_come_in_order_whatever_finishes_first() -> None:
    first_may_end = threading.Event()

    def work(numbers: list[int]) -> list[int]:
        if numbers == [0]:
            assert first_may_end.wait(5)
        else:
            first_may_end.set()
        return [-number for number in numbers]

    pool: Pool[int, int] = Pool(workers=2, batch_size=1, max_frames=10)
    assert list(pool.map(work, range(5))) == [0, -1, -2, -3, -4]


def test_frames_are_batched() -> None:
    sizes = []

    def work(numbers: list[int]) -> list[int]:
        sizes.append(len(numbers))
        return numbers

    pool: Pool[int, int] = Pool(workers=1, batch_size=3, max_frames=10)
    assert list(pool.map(work, range(7))) == list(range(7))
    assert sizes == [3, 3, 1]


def test_more_frames_than_are_taken_are_refused_and_then_taken_again() -> None:
    release = threading.Event()

    def work(numbers: list[int]) -> list[int]:
        assert release.wait(5)
        return numbers

    pool: Pool[int, int] = Pool(workers=1, batch_size=1, max_frames=3)
    with pytest.raises(OverloadedError):
        list(pool.map(work, range(4)))
    release.set()
    assert list(pool.map(work, range(3))) == [0, 1, 2]


def test_a_caller_that_goes_away_frees_its_place() -> None:
    pool: Pool[int, int] = Pool(workers=1, batch_size=1, max_frames=2)

    def numbers() -> Iterator[int]:
        yield 1
        yield 2
        raise ConnectionError

    for _ in range(5):
        with pytest.raises(ConnectionError):
            list(pool.map(lambda batch: batch, numbers()))
    assert list(pool.map(lambda batch: batch, [7, 8])) == [7, 8]
