"""Who has many jobs on the queue does not keep others waiting until all of them are done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import nats
import pytest

from poseway.delivery import Delivery, Early
from poseway.jobs import JobOptions, JobRequest, JobState, JobStatus, Keys, new_job_id, now
from poseway.local.stack import Stack
from poseway.queue import STREAM, JobQueue
from poseway.settings import QueueSettings
from services.gateway.api.catalog import Catalog
from services.gateway.dispatcher.record import LONG_SILENCE, SILENCE, Record
from services.gateway.dispatcher.turns import Turns
from tests.deploy.nats_servers import servers

GREEDY, SMALL, THIRD = "a" * 8, "b" * 8, "c" * 8


class Office:
    """A queue of its own on the system's storage, and dispatchers that only choose."""

    def __init__(self, stack: Stack, settings: QueueSettings) -> None:
        self.store = stack.store
        self._settings = settings
        self._stopping = asyncio.Event()
        self.owners: dict[str, str] = {}

    async def open(self) -> None:
        self.queue = await JobQueue.connect(self._settings)
        self._deliveries = self.queue.deliveries(self._stopping)

    def dispatcher(self) -> Turns:
        return Turns(self.store, self.queue)

    async def accept(self, owner: str, count: int = 1) -> list[str]:
        """Records and queues jobs of somebody."""
        made = []
        for _ in range(count):
            request = JobRequest(
                id=new_job_id(),
                name="turn.mp4",
                size=0,
                sha256=None,
                created_at=now(),
                options=JobOptions(),
                owner=owner,
            )
            await asyncio.to_thread(Catalog(self.store).add, request)
            await self.queue.publish(request.id, owner)
            self.owners[request.id] = owner
            made.append(request.id)
        return made

    async def begin(self, dispatcher: Turns) -> tuple[Delivery | Early, Record]:
        """Has a dispatcher begin what it chooses."""
        chosen = await dispatcher.choose(await anext(self._deliveries))
        record = Record(self.store, chosen.job_id)
        await asyncio.to_thread(record.load)
        await asyncio.to_thread(record.begin, alone=isinstance(chosen, Early))
        return chosen, record

    async def end(self, chosen: Delivery | Early, record: Record) -> str:
        """Has it end that; returns the job."""
        await asyncio.to_thread(record.finish, JobState.SUCCEEDED)
        await chosen.done()
        return chosen.job_id

    async def do(self, dispatcher: Turns) -> str:
        return await self.end(*await self.begin(dispatcher))

    async def lose(self) -> None:
        """Has the queue lose all that it has."""
        token = self._settings.nats_token
        assert token is not None
        server = await nats.connect(self._settings.nats_url, token=token.get_secret_value())
        await server.jetstream().delete_stream(STREAM)
        await server.close()
        await self.queue.ensure()

    def age(self, job_id: str, by: timedelta) -> None:
        """Has it that a job's record was written longer ago."""
        key = Keys(job_id).status
        status = JobStatus.model_validate_json(self.store.get(key)[0])
        assert status.updated_at is not None
        older = status.model_copy(update={"updated_at": status.updated_at - by})
        self.store.put(key, older.model_dump_json().encode(), "application/json")

    def remove(self) -> None:
        for job_id, owner in self.owners.items():
            self.store.delete_prefix(Keys(job_id).record)
            self.store.delete_prefix(f"owners/{owner}/{job_id}/")


Test = Callable[[Office], Awaitable[None]]


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Iterator[Callable[[Test], None]]:
    """Runs a test in an office."""
    with servers(tmp_path, "nats", 1) as server:
        office = Office(stack, server.settings(1))

        async def whole(test: Test) -> None:
            await office.open()
            await test(office)
            await office.queue.close()

        yield lambda test: asyncio.run(asyncio.wait_for(whole(test), 120))
        office.remove()


async def lag(queue: JobQueue) -> int:
    """What the autoscalers see."""
    seen = await queue.backlog()
    return seen.waiting + seen.taken


def test_two_jobs_do_not_wait_for_twenty_of_somebody_else(run: Callable[[Test], None]) -> None:
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
    run: Callable[[Test], None],
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
    run: Callable[[Test], None],
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
            await asyncio.to_thread(record.beat)
            assert office.owners[await office.do(second)] == GREEDY
        # Storage has a pause, or clocks differ.
        await asyncio.to_thread(record.beat)
        office.age(held, 2 * SILENCE)
        assert office.owners[await office.do(second)] == GREEDY
        # Its holder died.
        office.age(held, LONG_SILENCE)
        assert await office.do(second) == held
        assert await lag(office.queue) == 1

    run(test)


def test_a_job_that_is_delivered_while_it_is_done_early_is_left_to_its_holder(
    run: Callable[[Test], None],
) -> None:
    async def test(office: Office) -> None:
        dispatcher = office.dispatcher()
        await office.accept(GREEDY, 2)
        await office.do(dispatcher)
        await office.accept(SMALL)
        early, _ = await office.begin(dispatcher)
        office.age(early.job_id, 2 * SILENCE)
        other = Record(office.store, early.job_id)
        await asyncio.to_thread(other.load)
        assert other.held_by_another()
        assert not other.untouched()
        office.age(early.job_id, LONG_SILENCE)
        await asyncio.to_thread(other.load)
        assert not other.held_by_another()
        assert other.untouched()

    run(test)


def test_a_job_that_was_removed_is_taken_off_the_queue(run: Callable[[Test], None]) -> None:
    async def test(office: Office) -> None:
        dispatcher = office.dispatcher()
        await office.accept(GREEDY, 3)
        await office.do(dispatcher)
        (gone,) = await office.accept(SMALL)
        await asyncio.to_thread(office.store.delete_prefix, Keys(gone).record)
        chosen = await dispatcher.choose(await anext(office._deliveries))
        assert chosen.job_id == gone
        await chosen.done()
        assert await lag(office.queue) == 2

    run(test)


def test_a_queue_that_lost_its_data_loses_no_job_to_one_done_early(
    run: Callable[[Test], None],
) -> None:
    async def test(office: Office) -> None:
        dispatcher = office.dispatcher()
        await office.accept(GREEDY, 2)
        await office.do(dispatcher)
        await office.accept(SMALL)
        early, record = await office.begin(dispatcher)
        assert isinstance(early, Early)
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
        delivered = await anext(office._deliveries)
        server.kill(0)
        assert (await office.dispatcher().choose(delivered)).job_id == job
        await office.queue.close()

    with servers(tmp_path, "nats", 1) as server:
        office = Office(stack, server.settings(1))
        asyncio.run(asyncio.wait_for(test(office), 60))
        office.remove()
