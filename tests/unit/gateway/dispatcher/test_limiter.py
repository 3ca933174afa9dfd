"""A semaphore whose size can change."""

import asyncio

import pytest

from poseway_gateway.dispatcher.concurrency import Limiter

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def ask(limiter: Limiter, count: int, admitted: list[int]) -> list[asyncio.Task[None]]:
    async def enter(number: int) -> None:
        await limiter.acquire()
        admitted.append(number)

    tasks = [asyncio.create_task(enter(number)) for number in range(count)]
    await settle()
    return tasks


async def test_slots_are_granted_in_order_of_request() -> None:
    limiter, admitted = Limiter(2), list[int]()
    tasks = await ask(limiter, 5, admitted)
    assert admitted == [0, 1]
    limiter.release()
    await settle()
    assert admitted == [0, 1, 2]
    limiter.resize(4)
    await settle()
    assert admitted == [0, 1, 2, 3, 4]
    await asyncio.gather(*tasks)


async def test_shrinking_waits_for_released_slots() -> None:
    limiter, admitted = Limiter(4), list[int]()
    tasks = await ask(limiter, 6, admitted)
    limiter.resize(2)
    for left in range(1, 5):
        limiter.release()
        await settle()
        # Two of the four slots must be released before the next is granted.
        assert len(admitted) == 4 + max(0, left - 2)
    await asyncio.gather(*tasks)


async def test_waiter_is_not_overtaken() -> None:
    limiter, admitted = Limiter(1), list[int]()
    tasks = await ask(limiter, 2, admitted)
    limiter.release()
    late = asyncio.create_task(limiter.acquire())
    await settle()
    assert admitted == [0, 1]
    assert not late.done()
    limiter.release()
    await asyncio.gather(*tasks, late)


@pytest.mark.parametrize("admitted_first", [False, True])
async def test_cancelled_waiter_loses_no_slot(admitted_first: bool) -> None:
    limiter = Limiter(1)
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await settle()
    if admitted_first:
        limiter.release()  # the slot is granted, then the waiter is cancelled before it runs
        waiting.cancel()
    else:
        waiting.cancel()
        await settle()
        limiter.release()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    await asyncio.wait_for(limiter.acquire(), 5)


async def test_slot_of_a_cancelled_waiter_goes_to_the_next() -> None:
    limiter, admitted = Limiter(1), list[int]()
    tasks = await ask(limiter, 3, admitted)
    tasks[1].cancel()
    limiter.release()
    await settle()
    assert tasks[1].cancelled()
    assert admitted == [0, 2]
    limiter.release()
    await asyncio.wait_for(limiter.acquire(), 1)
