"""Mutual exclusion by name."""

import asyncio

from poseway_gateway.api.uploads.named_locks import NamedLocks


def test_tasks_exclude_each_other_per_name_only() -> None:
    locks, order = NamedLocks(), list[str]()

    async def work(name: str, label: str, gate: asyncio.Event) -> None:
        async with locks.lock(name):
            order.append(label)
            await gate.wait()

    async def run() -> None:
        gate, opened = asyncio.Event(), asyncio.Event()
        opened.set()
        first = asyncio.create_task(work("a", "first", gate))
        second = asyncio.create_task(work("a", "second", opened))
        await asyncio.create_task(work("b", "other", opened))
        assert order == ["first", "other"]
        gate.set()
        await asyncio.gather(first, second)

    asyncio.run(run())
    assert order == ["first", "other", "second"]
