"""Batches: frames in flight are bounded, and none is lost."""

import gc
import random
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from poseway.errors import OverloadedError, UnavailableError
from poseway_inference.scheduling.batcher import Batcher
from tests.support.batches import SOON, Make, Work, keyed, start
from tests.support.waiting import until


def test_job_leaves_slots_free_and_waits_for_its_own_answers(make: Make) -> None:
    work = Work()
    work.go_on.clear()
    batcher = make(work, max_frames=9)
    read: list[int] = []

    def frames() -> Iterator[tuple[str, int]]:
        for number in range(100):
            read.append(number)
            yield "key", number

    long = start(list[int], batcher.map("long", frames()))
    # Five are accepted, which leaves four places; the sixth is read and waits.
    until(lambda: len(read) == 6)
    assert batcher.in_flight == 5
    with pytest.raises(OverloadedError):
        next(batcher.map("long", keyed(1)))
    new = start(list[int], batcher.map("new", keyed(-1, -2, -3)))
    until(lambda: batcher.in_flight == 7)
    assert len(read) == 6
    work.go_on.set()
    assert new.result(SOON) == [1, 2, 3]
    assert long.result(SOON) == [-number for number in range(100)]
    assert batcher.in_flight == 0


def test_accepted_call_is_not_rejected_later(make: Make) -> None:
    batcher = make(Work(), max_frames=1)
    others_were_refused = threading.Event()

    def frames() -> Iterator[tuple[str, int]]:
        yield "key", 1
        assert others_were_refused.wait(SOON)
        yield from keyed(*range(2, 50))

    answers = batcher.map("", frames())
    assert next(answers) == -1
    with pytest.raises(OverloadedError):
        next(batcher.map("", keyed(1)))
    others_were_refused.set()
    assert list(answers) == [-number for number in range(2, 50)]
    assert list(batcher.map("", keyed(7, 8))) == [-7, -8]


def test_frames_of_a_caller_that_leaves_are_withdrawn(make: Make) -> None:
    work = Work()
    batcher = make(work)
    one_is_answered = threading.Event()

    def frames() -> Iterator[tuple[str, int]]:
        yield "key", 1
        assert one_is_answered.wait(SOON)
        yield from keyed(2, 3, 4)

    leaving = batcher.map("job", frames())
    assert next(leaving) == -1
    work.go_on.clear()
    work.begun.clear()
    one_is_answered.set()
    assert work.begun.wait(SOON)
    staying = start(list[int], batcher.map("job", keyed(5, 6)))
    until(lambda: batcher.in_flight == 5)
    leaving.close()
    assert batcher.in_flight == 2
    work.go_on.set()
    assert staying.result(SOON) == [-5, -6]
    assert work.frames == [1, 2, 5, 6]


def test_frames_before_a_broken_one_are_withdrawn(make: Make) -> None:
    work = Work()
    work.go_on.clear()
    batcher = make(work)

    def frames() -> Iterator[tuple[str, int]]:
        yield from keyed(1, 2, 3)
        assert work.begun.wait(SOON)
        raise ConnectionError

    # While frame 1 is being processed.
    with pytest.raises(ConnectionError):
        next(batcher.map("", frames()))
    assert batcher.in_flight == 0
    work.go_on.set()
    assert list(batcher.map("", keyed(4))) == [-4]
    assert work.frames == [1, 4]


def test_slots_of_a_caller_that_leaves_are_reused_at_once(make: Make) -> None:
    work = Work()
    work.go_on.clear()
    batcher = make(work, max_frames=3)
    leave = threading.Event()

    def frames() -> Iterator[tuple[str, int]]:
        yield from keyed(1, 2)
        assert leave.wait(SOON)
        raise ConnectionError

    leaving = start(list[int], batcher.map("", frames()))
    until(lambda: batcher.in_flight == 2)
    staying = start(list[int], batcher.map("", keyed(3, 4)))
    until(lambda: batcher.in_flight == 3)
    leave.set()
    with pytest.raises(ConnectionError):
        leaving.result(SOON)
    # Frame 4 is accepted before anything is answered.
    until(lambda: batcher.in_flight == 2)
    work.go_on.set()
    assert staying.result(SOON) == [-3, -4]


def test_frame_that_fails_affects_only_its_call(make: Make) -> None:
    batches = []

    def work(key: str, frames: list[int]) -> list[int]:
        batches.append(sorted(frames))
        if 0 in frames:
            raise ZeroDivisionError
        return [-frame for frame in frames]

    batcher = make(work, limit=5)
    good = [start(list[int], batcher.map("", keyed(n, n + 1))) for n in (1, 3)]
    until(lambda: batcher.in_flight == 4)
    with pytest.raises(ZeroDivisionError):
        list(batcher.map("", keyed(0)))
    assert [call.result(SOON) for call in good] == [[-1, -2], [-3, -4]]
    assert batches[0] == [0, 1, 2, 3, 4]
    assert sorted(batches[1:]) == [[0], [1, 2], [3, 4]]
    assert batcher.in_flight == 0


def test_failed_batch_of_one_call_is_not_retried(make: Make) -> None:
    batches = []

    def work(key: str, frames: list[int]) -> list[int]:
        batches.append(frames)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(make(work, limit=2).map("", keyed(1, 2)))
    assert batches == [[1, 2]]


def test_work_must_answer_every_frame(make: Make) -> None:
    batcher = make(lambda key, frames: frames[1:], limit=2)
    with pytest.raises(ValueError, match="shorter"):
        list(batcher.map("", keyed(1, 2)))


def test_closing_finishes_accepted_frames_and_accepts_no_more(make: Make) -> None:
    work = Work()
    batcher = make(work, limit=8)
    is_closed = threading.Event()

    def frames() -> Iterator[tuple[str, int]]:
        yield "key", 3
        assert is_closed.wait(SOON)
        yield "key", 4

    ended = start(list[int], batcher.map("", keyed(1, 2)))
    going_on = batcher.map("", frames())
    three = start(next, going_on)
    until(lambda: batcher.in_flight == 3)
    batcher.close()
    is_closed.set()
    assert ended.result(SOON) == [-1, -2]
    assert three.result(SOON) == -3
    with pytest.raises(UnavailableError):
        next(going_on)
    with pytest.raises(UnavailableError):
        next(batcher.map("", keyed(5)))
    assert sorted(work.frames) == [1, 2, 3]


class Pixels:
    """A frame that weak references can watch."""


@pytest.mark.parametrize("breaks", [False, True])
def test_frames_are_freed_without_the_garbage_collector(breaks: bool) -> None:
    def work(key: str, frames: list[Pixels]) -> list[int]:
        if breaks:
            raise ZeroDivisionError
        return [0] * len(frames)

    batcher = Batcher(work, limit=lambda key: 1, workers=1, max_delay=0, max_frames=8)
    frame = Pixels()
    gone = weakref.ref(frame)
    gc.disable()
    try:
        answers = batcher.map("", iter([("key", frame)]))
        del frame
        try:
            list(answers)
        except ZeroDivisionError:
            assert breaks
        del answers
        until(lambda: gone() is None)
    finally:
        gc.enable()
        batcher.close()


def test_many_concurrent_callers(make: Make) -> None:
    limit, max_frames = 4, 24

    def work(key: str, frames: list[int]) -> list[int]:
        assert len(frames) <= limit
        assert 0 <= batcher.in_flight <= max_frames
        assert {frame % 3 for frame in frames} == {int(key)}
        time.sleep(0.0002)
        if any(frame % 1000 == 999 for frame in frames):
            raise ZeroDivisionError
        return [-frame for frame in frames]

    batcher = make(work, limit=limit, workers=3, max_delay=0.001, max_frames=max_frames)

    def call(seed: int) -> int:
        chance = random.Random(seed)  # noqa: S311 # not a secret
        answered = 0
        for _ in range(25):
            numbers = [chance.randrange(10_000) for _ in range(chance.randrange(40))]
            broken = any(number % 1000 == 999 for number in numbers)
            leave_after = chance.choice([None, None, None, 3])
            answers = batcher.map(f"{seed % 5 or ''}", ((str(n % 3), n) for n in numbers))
            try:
                for expected, answer in zip(numbers, answers, strict=leave_after is None):
                    assert answer == -expected
                    answered += 1
                    if leave_after is not None and answered % 10 >= leave_after:
                        break
            except OverloadedError:
                pass
            except ZeroDivisionError:
                assert broken
            answers.close()
        return answered

    calls = [start(call, seed) for seed in range(12)]
    assert sum(call.result(30) for call in calls) > 1000
    until(lambda: batcher.in_flight == 0)
