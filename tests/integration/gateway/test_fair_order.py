"""Owners are served alternately, however many jobs each has on the queue."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from poseway.jobs import Keys
from poseway.local.stack import Stack
from poseway.messaging.delivery import EarlyDelivery
from poseway_gateway.dispatcher.job_record import JobRecord
from poseway_gateway.dispatcher.lease_terms import DEFAULT_TERMS
from tests.support.deploy.nats_servers import servers
from tests.support.queue_harness import GREEDY, SMALL, THIRD, QueueHarness, Run, lag, run_in


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Run:
    return partial(run_in, stack, tmp_path)


def test_two_jobs_do_not_wait_for_twenty_of_another_owner(run: Run) -> None:
    async def test(harness: QueueHarness) -> None:
        dispatcher = harness.dispatcher()
        many = await harness.accept(GREEDY, 20)
        done = [await harness.do(dispatcher)]
        few = await harness.accept(SMALL, 2)
        for left in range(20, -1, -1):
            done.append(await harness.do(dispatcher))
            # Jobs taken out of order leave the queue like all others.
            assert await lag(harness.queue) == left
        assert set(few) <= set(done[1:5])
        assert [job for job in done if job in few] == few
        assert [job for job in done if job in many] == many
        assert len(done) == 22

    run(test)


def test_owners_are_served_equally_whatever_their_backlog(
    run: Run,
) -> None:
    async def test(harness: QueueHarness) -> None:
        await harness.accept(GREEDY, 12)
        await harness.accept(SMALL, 4)
        await harness.accept(THIRD, 4)
        dispatchers = [harness.dispatcher(), harness.dispatcher()]
        turns = [harness.owners[await harness.do(dispatchers[n % 2])] for n in range(12)]
        # Each of the two dispatchers begins with the first owner, having no history.
        assert sorted(turns) == sorted([GREEDY, SMALL, THIRD] * 4)

    run(test)


def test_leased_job_is_skipped_until_its_lease_expires(
    run: Run,
) -> None:
    async def test(harness: QueueHarness) -> None:
        first, second = harness.dispatcher(), harness.dispatcher()
        await harness.accept(GREEDY, 6)
        await harness.do(first)
        await harness.do(second)
        held, next_one = await harness.accept(SMALL, 2)
        chosen, record = await harness.begin(first)
        assert chosen.job_id == held
        # A dispatcher holds its lease; another takes the next job first.
        assert await harness.do(second) == next_one
        for _ in range(2):
            await asyncio.to_thread(record.renew)
            assert harness.owners[await harness.do(second)] == GREEDY
        # As if storage paused or clocks differed.
        await asyncio.to_thread(record.renew)
        harness.age(held, 2 * DEFAULT_TERMS.delivered)
        assert harness.owners[await harness.do(second)] == GREEDY
        # The dispatcher with its lease died.
        harness.age(held, DEFAULT_TERMS.early)
        assert await harness.do(second) == held
        assert await lag(harness.queue) == 1

    run(test)


def test_job_delivered_while_leased_out_of_order_stays_with_its_lease(
    run: Run,
) -> None:
    async def test(harness: QueueHarness) -> None:
        dispatcher = harness.dispatcher()
        await harness.accept(GREEDY, 2)
        await harness.do(dispatcher)
        await harness.accept(SMALL)
        early, _ = await harness.begin(dispatcher)
        harness.age(early.job_id, 2 * DEFAULT_TERMS.delivered)
        other = JobRecord(harness.store, early.job_id)
        await asyncio.to_thread(other.load)
        assert other.leased_by_another()
        assert not other.is_free()
        harness.age(early.job_id, DEFAULT_TERMS.early)
        await asyncio.to_thread(other.load)
        assert not other.leased_by_another()
        assert other.is_free()

    run(test)


def test_removed_job_is_taken_off_the_queue(run: Run) -> None:
    async def test(harness: QueueHarness) -> None:
        dispatcher = harness.dispatcher()
        await harness.accept(GREEDY, 3)
        await harness.do(dispatcher)
        (gone,) = await harness.accept(SMALL)
        await asyncio.to_thread(harness.store.delete_prefix, Keys(gone).record)
        chosen = await dispatcher.choose(await anext(harness.deliveries))
        assert chosen.job_id == gone
        await chosen.done()
        assert await lag(harness.queue) == 2

    run(test)


def test_queue_that_lost_its_data_loses_no_job_taken_out_of_order(
    run: Run,
) -> None:
    async def test(harness: QueueHarness) -> None:
        dispatcher = harness.dispatcher()
        await harness.accept(GREEDY, 2)
        await harness.do(dispatcher)
        await harness.accept(SMALL)
        early, record = await harness.begin(dispatcher)
        assert isinstance(early, EarlyDelivery)
        await harness.lose()
        # One of the jobs accepted afterwards gets the sequence number that this one had.
        after = [*await harness.accept(GREEDY, early.number), *await harness.accept(SMALL)]
        await harness.end(early, record)
        left = [job.job_id async for job in harness.queue.jobs_of(GREEDY)]
        left += [job.job_id async for job in harness.queue.jobs_of(SMALL)]
        assert left == after

    run(test)


def test_delivered_jobs_finish_without_a_queue(stack: Stack, tmp_path: Path) -> None:
    async def test(harness: QueueHarness) -> None:
        await harness.open()
        (job,) = await harness.accept(GREEDY)
        delivered = await anext(harness.deliveries)
        server.kill(0)
        assert (await harness.dispatcher().choose(delivered)).job_id == job
        await harness.queue.close()

    with servers(tmp_path, "nats", 1) as server:
        harness = QueueHarness(stack, server.settings(1))
        asyncio.run(asyncio.wait_for(test(harness), 60))
        harness.remove()
