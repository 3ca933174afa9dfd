"""Who has many jobs on the queue does not keep others waiting until all of them are done."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from poseway.jobs import Keys
from poseway.local.stack import Stack
from poseway.messaging.delivery import EarlyDelivery
from poseway_gateway.dispatcher.job_record import JobRecord
from poseway_gateway.dispatcher.lease import DEFAULT_TERMS
from tests.support.deploy.nats_servers import servers
from tests.support.queue_office import GREEDY, SMALL, THIRD, Office, Run, lag, run_in


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Run:
    return partial(run_in, stack, tmp_path)


def test_two_jobs_do_not_wait_for_twenty_of_somebody_else(run: Run) -> None:
    async def test(office: Office) -> None:
        dispatcher = office.dispatcher()
        many = await office.accept(GREEDY, 20)
        done = [await office.do(dispatcher)]
        few = await office.accept(SMALL, 2)
        for left in range(20, -1, -1):
            done.append(await office.do(dispatcher))
            # Those that were done out of the queue's order are off it like all others.
            assert await lag(office.queue) == left
        assert set(few) <= set(done[1:5])
        assert [job for job in done if job in few] == few
        assert [job for job in done if job in many] == many
        assert len(done) == 22

    run(test)


def test_all_who_wait_have_as_many_turns_whatever_they_have_waiting(
    run: Run,
) -> None:
    async def test(office: Office) -> None:
        await office.accept(GREEDY, 12)
        await office.accept(SMALL, 4)
        await office.accept(THIRD, 4)
        dispatchers = [office.dispatcher(), office.dispatcher()]
        turns = [office.owners[await office.do(dispatchers[n % 2])] for n in range(12)]
        # Each of the two begins with who was first, for want of memory.
        assert sorted(turns) == sorted([GREEDY, SMALL, THIRD] * 4)

    run(test)


def test_a_job_in_hand_is_passed_over_until_its_holder_is_silent(
    run: Run,
) -> None:
    async def test(office: Office) -> None:
        first, second = office.dispatcher(), office.dispatcher()
        await office.accept(GREEDY, 6)
        await office.do(first)
        await office.do(second)
        held, next_one = await office.accept(SMALL, 2)
        chosen, record = await office.begin(first)
        assert chosen.job_id == held
        # Its holder is at it; another takes the next one first.
        assert await office.do(second) == next_one
        for _ in range(2):
            await asyncio.to_thread(record.renew)
            assert office.owners[await office.do(second)] == GREEDY
        # Storage has a pause, or clocks differ.
        await asyncio.to_thread(record.renew)
        office.age(held, 2 * DEFAULT_TERMS.delivered)
        assert office.owners[await office.do(second)] == GREEDY
        # Its holder died.
        office.age(held, DEFAULT_TERMS.early)
        assert await office.do(second) == held
        assert await lag(office.queue) == 1

    run(test)


def test_a_job_that_is_delivered_while_it_is_done_early_is_left_to_its_holder(
    run: Run,
) -> None:
    async def test(office: Office) -> None:
        dispatcher = office.dispatcher()
        await office.accept(GREEDY, 2)
        await office.do(dispatcher)
        await office.accept(SMALL)
        early, _ = await office.begin(dispatcher)
        office.age(early.job_id, 2 * DEFAULT_TERMS.delivered)
        other = JobRecord(office.store, early.job_id)
        await asyncio.to_thread(other.load)
        assert other.leased_by_another()
        assert not other.is_free()
        office.age(early.job_id, DEFAULT_TERMS.early)
        await asyncio.to_thread(other.load)
        assert not other.leased_by_another()
        assert other.is_free()

    run(test)


def test_a_job_that_was_removed_is_taken_off_the_queue(run: Run) -> None:
    async def test(office: Office) -> None:
        dispatcher = office.dispatcher()
        await office.accept(GREEDY, 3)
        await office.do(dispatcher)
        (gone,) = await office.accept(SMALL)
        await asyncio.to_thread(office.store.delete_prefix, Keys(gone).record)
        chosen = await dispatcher.choose(await anext(office.deliveries))
        assert chosen.job_id == gone
        await chosen.done()
        assert await lag(office.queue) == 2

    run(test)


def test_a_queue_that_lost_its_data_loses_no_job_to_one_done_early(
    run: Run,
) -> None:
    async def test(office: Office) -> None:
        dispatcher = office.dispatcher()
        await office.accept(GREEDY, 2)
        await office.do(dispatcher)
        await office.accept(SMALL)
        early, record = await office.begin(dispatcher)
        assert isinstance(early, EarlyDelivery)
        await office.lose()
        # Of those that are accepted after that, one has the number that this one had.
        after = [*await office.accept(GREEDY, early.number), *await office.accept(SMALL)]
        await office.end(early, record)
        left = [job.job_id async for job in office.queue.jobs_of(GREEDY)]
        left += [job.job_id async for job in office.queue.jobs_of(SMALL)]
        assert left == after

    run(test)


def test_where_there_is_no_queue_what_was_delivered_is_done(stack: Stack, tmp_path: Path) -> None:
    async def test(office: Office) -> None:
        await office.open()
        (job,) = await office.accept(GREEDY)
        delivered = await anext(office.deliveries)
        server.kill(0)
        assert (await office.dispatcher().choose(delivered)).job_id == job
        await office.queue.close()

    with servers(tmp_path, "nats", 1) as server:
        office = Office(stack, server.settings(1))
        asyncio.run(asyncio.wait_for(test(office), 60))
        office.remove()
