"""Batches: order, sharing, fairness, and callers that leave."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.support.batches import SOON, Make, Work, keyed, start
from tests.support.waiting import until


def test_answers_keep_the_order_of_frames(make: Make) -> None:
    last_is_done = threading.Event()

    def work(key: str, frames: list[int]) -> list[int]:
        if frames == [0]:
            assert last_is_done.wait(SOON)
        elif frames == [4]:
            last_is_done.set()
        return [-frame for frame in frames]

    assert list(make(work, workers=2).map("", keyed(*range(5)))) == [0, -1, -2, -3, -4]


def test_answer_is_not_held_back_until_the_next_frame(make: Make) -> None:
    answered = threading.Event()

    def frames() -> Iterator[tuple[str, int]]:
        yield "key", 1
        assert answered.wait(SOON)
        yield "key", 2

    answers = make(Work()).map("", frames())
    assert next(answers) == -1
    answered.set()
    assert list(answers) == [-2]


def test_calls_share_batches_and_a_full_batch_starts_at_once(make: Make) -> None:
    work = Work()
    batcher = make(work, limit=4)
    one = start(list[int], batcher.map("one", keyed(1, 2)))
    two = start(list[int], batcher.map("two", keyed(3, 4)))
    assert one.result(SOON) == [-1, -2]
    assert two.result(SOON) == [-3, -4]
    assert [sorted(frames) for _, frames in work.batches] == [[1, 2, 3, 4]]


def test_frames_of_different_keys_do_not_share_a_batch(make: Make) -> None:
    work = Work()
    batcher = make(work, limit=2)
    assert list(batcher.map("", [("a", 1), ("b", 2), ("a", 3), ("b", 4)])) == [-1, -2, -3, -4]
    assert sorted(work.batches) == [("a", [1, 3]), ("b", [2, 4])]


def test_delay_counts_from_the_first_frame_of_a_batch(make: Make) -> None:
    work = Work()
    delay = 0.3
    answered = threading.Event()
    sent: list[int] = []

    def frames() -> Iterator[tuple[str, int]]:
        # If each frame restarted the delay, the batch would wait as long as these arrive.
        while not answered.wait(delay / 10) and len(sent) < 100:
            sent.append(len(sent))
            yield "key", sent[-1]

    begin = time.monotonic()
    answers = make(work, limit=1000, max_delay=delay).map("", frames())
    assert next(answers) == 0
    assert time.monotonic() - begin >= delay
    answered.set()
    assert len(list(answers)) == len(sent) - 1
    assert 2 <= len(work.batches[0][1]) < 100


def test_full_batch_overtakes_a_waiting_one(make: Make) -> None:
    batcher = make(Work(), limit=2)
    waiting = start(list[int], batcher.map("", keyed(1, key="a")))
    until(lambda: batcher.in_flight == 1)
    assert list(batcher.map("", keyed(2, 3, key="b"))) == [-2, -3]
    assert not waiting.done()
    batcher.close()
    assert waiting.result(SOON) == [-1]


def test_second_worker_serves_while_the_first_is_busy(make: Make) -> None:
    both = threading.Barrier(2)

    def work(key: str, frames: list[int]) -> list[int]:
        both.wait(SOON)
        return frames

    assert list(make(work, workers=2).map("", keyed(1, 2, 3, 4))) == [1, 2, 3, 4]


@pytest.mark.parametrize("limit", [1, 4])
@pytest.mark.parametrize("keys", [("same", "same"), ("one", "other")])
def test_long_job_hardly_delays_a_short_one(make: Make, limit: int, keys: tuple[str, str]) -> None:
    work = Work()
    work.go_on.clear()
    batcher = make(work, limit=limit, max_delay=0.0, max_frames=5000)
    long = start(list[int], batcher.map("long", keyed(*range(2000), key=keys[0])))
    until(lambda: batcher.in_flight == 2000)
    calls = [start(list[int], batcher.map("short", keyed(n, key=keys[1]))) for n in (-1, -2, -3)]
    until(lambda: batcher.in_flight == 2003)
    work.go_on.set()
    assert [call.result(SOON) for call in calls] == [[1], [2], [3]]
    assert long.result(SOON) == [-n for n in range(2000)]
    in_progress = len(work.batches[0][1])
    turns = 3 * 2 if limit == 1 or keys[0] == keys[1] else limit + 3
    assert all(work.frames.index(n) < in_progress + turns for n in (-1, -2, -3))


def test_calls_without_a_job_are_served_fairly(make: Make) -> None:
    work = Work()
    work.go_on.clear()
    batcher = make(work)
    long = start(list[int], batcher.map("", keyed(*range(100))))
    until(lambda: batcher.in_flight == 100)
    short = start(list[int], batcher.map("", keyed(-1, -2)))
    until(lambda: batcher.in_flight == 102)
    work.go_on.set()
    assert short.result(SOON) == [1, 2]
    assert len(long.result(SOON)) == 100
    assert max(work.frames.index(-1), work.frames.index(-2)) <= 4


def test_expensive_frames_use_up_more_of_a_share(make: Make) -> None:
    """With equal shares of the time, a job of cheap frames gets more frames done."""
    work = Work()
    work.go_on.clear()
    batcher = make(work, cost=lambda key: {"cheap": 1.0, "dear": 10.0}[key])
    dear = start(list[int], batcher.map("dear", keyed(*range(100, 104), key="dear")))
    assert work.begun.wait(SOON)
    cheap = start(list[int], batcher.map("cheap", keyed(*range(30), key="cheap")))
    until(lambda: batcher.in_flight == 34)
    work.go_on.set()
    assert len(cheap.result(SOON)) == 30
    assert len(dear.result(SOON)) == 4
    places = [work.frames.index(number) for number in (101, 102, 103)]
    # After the first, each expensive frame waits for about ten cheap ones.
    assert [9 <= b - a <= 12 for a, b in zip([0, *places], places, strict=False)] == [True] * 3


def test_idle_time_earns_a_job_no_credit(make: Make) -> None:
    work = Work()
    batcher = make(work)
    assert list(batcher.map("busy", keyed(*range(50)))) == [-n for n in range(50)]
    work.go_on.clear()
    work.begun.clear()
    busy = start(list[int], batcher.map("busy", keyed(100, 101, 102)))
    assert work.begun.wait(SOON)
    idle = start(list[int], batcher.map("idle", keyed(200, 201, 202)))
    until(lambda: batcher.in_flight == 6)
    work.go_on.set()
    busy.result(SOON)
    idle.result(SOON)
    assert abs(work.frames.index(202) - work.frames.index(102)) <= 1


def test_call_ends_when_its_caller_leaves(make: Make) -> None:
    """Even while it waits for an answer that takes long."""
    work = Work()
    work.go_on.clear()
    batcher = make(work)
    told: list[Callable[[], None]] = []

    def remember(tell: Callable[[], None]) -> bool:
        told.append(tell)
        return True

    waiting = start(list[int], batcher.map("", keyed(1, 2, 3), remember))
    assert work.begun.wait(SOON)
    until(lambda: batcher.in_flight == 3)
    told[0]()
    assert waiting.result(SOON) == []
    assert batcher.in_flight == 0
    work.go_on.set()
    assert list(batcher.map("", keyed(4))) == [-4]
    assert work.frames == [1, 4]
    told[0]()
    assert batcher.in_flight == 0


def test_caller_that_left_before_the_call_is_not_served(make: Make) -> None:
    work = Work()
    batcher = make(work)
    assert list(batcher.map("", keyed(1), lambda _: False)) == []
    assert list(batcher.map("", keyed(2))) == [-2]
    assert work.frames == [2]


@pytest.mark.parametrize("names", [("a", "b"), ("", "")])
def test_many_short_calls_do_not_starve_a_long_job(make: Make, names: tuple[str, str]) -> None:
    """A job keeps its start tag from call to call, even if nothing of it is waiting."""
    work = Work()
    work.go_on.clear()
    batcher = make(work)
    long = start(list[int], batcher.map("long", keyed(*range(100))))
    assert work.begun.wait(SOON)
    done = threading.Event()

    def call_again(name: str, frame: int) -> None:
        while not done.is_set():
            list(batcher.map(name, keyed(frame)))

    callers = [start(call_again, name, 1000 + n) for n, name in enumerate(names)]
    until(lambda: batcher.in_flight == 102)
    work.go_on.set()
    long.result(SOON)
    done.set()
    for caller in callers:
        caller.result(SOON)
    last = work.frames.index(99)
    others = sum(frame >= 1000 for frame in work.frames[:last])
    assert others < 2.5 * 100


def test_caller_that_left_gets_no_more_answers(make: Make) -> None:
    """Not even answers that are ready, because their places are in use by other calls."""
    work = Work()
    batcher = make(work, max_frames=8)
    told: list[Callable[[], None]] = []

    def remember(tell: Callable[[], None]) -> bool:
        told.append(tell)
        return True

    answers = batcher.map("", keyed(1, 2, 3), remember)
    assert next(answers) == -1
    until(lambda: work.frames == [1, 2, 3])
    told[0]()
    assert list(answers) == []
    assert batcher.in_flight == 0
