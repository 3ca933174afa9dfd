"""Age of the oldest job that has not started."""

import asyncio
import time
from pathlib import Path

from poseway.jobs import Keys
from poseway.local.stack import Stack
from poseway_gateway.api.jobs.repository import JobRepository
from poseway_gateway.api.monitoring.queue_age import QueueAge
from poseway_gateway.dispatcher.job_record import JobRecord
from tests.support.queue_harness import GREEDY, SMALL, QueueHarness, run_in


def test_age_is_that_of_the_oldest_unstarted_job(stack: Stack, tmp_path: Path) -> None:
    async def test(harness: QueueHarness) -> None:
        waiting, repository = QueueAge(JobRepository(stack.store)), JobRepository(stack.store)
        dispatcher, other = harness.dispatcher(), harness.dispatcher()
        assert await waiting.longest(harness.queue) == 0

        await harness.accept(GREEDY)
        await harness.do(dispatcher)
        # A long job, started before its message is delivered: the only one on the queue.
        await harness.accept(GREEDY)
        await harness.accept(SMALL)
        early, _ = await harness.begin(dispatcher)
        assert harness.owners[early.job_id] == SMALL
        # And one whose message is delivered.
        await harness.begin(other)
        assert await waiting.longest(harness.queue) == 0

        await asyncio.sleep(1)
        removed, cancelled = await harness.accept(GREEDY, 2)
        await asyncio.to_thread(harness.store.delete_prefix, Keys(removed).record)
        await asyncio.to_thread(repository.cancel_or_remove, cancelled)
        assert await waiting.longest(harness.queue) == 0

        began = time.monotonic()
        (waits,) = await harness.accept(GREEDY)
        accepted = time.monotonic()
        await asyncio.sleep(0.2)
        least = time.monotonic() - accepted
        age = await waiting.longest(harness.queue)
        assert least - 0.1 <= age <= time.monotonic() - began + 0.1

        record = JobRecord(harness.store, waits)
        await asyncio.to_thread(record.load)
        await asyncio.to_thread(record.begin)
        assert await waiting.longest(harness.queue) == 0

    run_in(stack, tmp_path, test)
