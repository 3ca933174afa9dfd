"""A separate queue on the system's storage, and dispatchers that choose jobs."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import nats

from poseway.jobs import JobOptions, JobRequest, JobState, JobStatus, Keys, new_job_id, now
from poseway.local.stack import Stack
from poseway.messaging.delivery import Delivery, EarlyDelivery
from poseway.messaging.job_queue import STREAM, JobQueue
from poseway.settings import QueueSettings
from poseway_gateway.api.jobs.repository import JobRepository
from poseway_gateway.dispatcher.fair_order import FairOrder
from poseway_gateway.dispatcher.job_record import JobRecord
from tests.support.deploy.nats_servers import servers

GREEDY, SMALL, THIRD = "a" * 8, "b" * 8, "c" * 8


class QueueHarness:
    """A separate queue on the system's storage, and dispatchers that choose jobs."""

    def __init__(self, stack: Stack, settings: QueueSettings) -> None:
        self.store = stack.store
        self._settings = settings
        self._stopping = asyncio.Event()
        self.owners: dict[str, str] = {}

    async def open(self) -> None:
        self.queue = await JobQueue.connect(self._settings)
        self.deliveries = self.queue.deliveries(self._stopping)

    def dispatcher(self) -> FairOrder:
        return FairOrder(self.store, self.queue)

    async def accept(self, owner: str, count: int = 1) -> list[str]:
        """Records and queues jobs of an owner, and returns their ids."""
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
            await asyncio.to_thread(JobRepository(self.store).add, request)
            await self.queue.publish(request.id, owner)
            self.owners[request.id] = owner
            made.append(request.id)
        return made

    async def begin(self, dispatcher: FairOrder) -> tuple[Delivery | EarlyDelivery, JobRecord]:
        """Lets a dispatcher choose a job and begin it."""
        chosen = await dispatcher.choose(await anext(self.deliveries))
        record = JobRecord(self.store, chosen.job_id)
        await asyncio.to_thread(record.load)
        await dispatcher.begin(chosen, record)
        return chosen, record

    async def end(self, chosen: Delivery | EarlyDelivery, record: JobRecord) -> str:
        """Ends a job that was begun, and returns its id."""
        await asyncio.to_thread(record.finish, JobState.SUCCEEDED)
        await chosen.done()
        return chosen.job_id

    async def do(self, dispatcher: FairOrder) -> str:
        return await self.end(*await self.begin(dispatcher))

    async def lose(self) -> None:
        """Deletes the stream, as a queue does that loses its data."""
        token = self._settings.nats_token
        assert token is not None
        server = await nats.connect(self._settings.nats_url, token=token.get_secret_value())
        await server.jetstream().delete_stream(STREAM)
        await server.close()
        await self.queue.ensure()

    def age(self, job_id: str, by: timedelta) -> None:
        """Backdates a job's record."""
        key = Keys(job_id).status
        status = JobStatus.model_validate_json(self.store.get(key)[0])
        assert status.updated_at is not None
        older = status.model_copy(update={"updated_at": status.updated_at - by})
        self.store.put(key, older.model_dump_json().encode(), "application/json")

    def remove(self) -> None:
        for job_id, owner in self.owners.items():
            self.store.delete_prefix(Keys(job_id).record)
            self.store.delete_prefix(f"owners/{owner}/{job_id}/")


Test = Callable[[QueueHarness], Awaitable[None]]
Run = Callable[[Test], None]


def run_in(stack: Stack, folder: Path, test: Test) -> None:
    """Runs a test with a harness."""
    with servers(folder, "nats", 1) as server:
        harness = QueueHarness(stack, server.settings(1))

        async def whole() -> None:
            await harness.open()
            await test(harness)
            await harness.queue.close()

        try:
            asyncio.run(asyncio.wait_for(whole(), 120))
        finally:
            harness.remove()


async def lag(queue: JobQueue) -> int:
    """Lag of the queue as the autoscalers see it."""
    seen = await queue.backlog()
    return seen.waiting + seen.taken
