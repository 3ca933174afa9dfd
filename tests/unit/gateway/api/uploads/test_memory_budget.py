import asyncio

import pytest

from poseway.errors import OverloadedError
from poseway_gateway.api.uploads.memory_budget import MemoryBudget


def test_lends_at_most_the_budget_first_come_first_served() -> None:
    budget, at_work, most, order = MemoryBudget(10), 0, 0, []

    async def borrow(number: int, size: int) -> None:
        nonlocal at_work, most
        async with budget.lend(size):
            order.append(number)
            at_work += size
            most = max(most, at_work)
            await asyncio.sleep(0.01)
            at_work -= size

    async def all_at_once() -> None:
        sizes = [4, 10, 1, 6, 3, 3, 5, 2]
        await asyncio.gather(*(borrow(number, size) for number, size in enumerate(sizes)))

    asyncio.run(all_at_once())
    assert most == 10
    assert order == list(range(8))
    assert budget.free == 10


def test_request_above_the_budget_takes_all_of_it() -> None:
    async def borrow() -> None:
        budget = MemoryBudget(10)
        async with budget.lend(1000):
            assert budget.free == 0
        assert budget.free == 10

    asyncio.run(borrow())


def test_timed_out_request_is_rejected_and_the_budget_stays_whole() -> None:
    async def borrow() -> None:
        budget = MemoryBudget(10, timeout=0.05)
        async with budget.lend(8):
            with pytest.raises(OverloadedError):
                async with budget.lend(3):
                    pytest.fail("there were not as many")
            async with budget.lend(2):
                pass
        assert budget.free == 10

    asyncio.run(borrow())
