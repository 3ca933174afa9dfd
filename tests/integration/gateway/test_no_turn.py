"""Messages without work use up no turn in the fair order."""

import asyncio
from pathlib import Path

import pytest

from poseway.jobs import JobRequest, JobState, Keys
from poseway.local.stack import Stack
from poseway_gateway.dispatcher.clients import Services
from poseway_gateway.dispatcher.job_record import JobRecord
from poseway_gateway.dispatcher.lease_terms import DEFAULT_TERMS
from poseway_gateway.dispatcher.settings import DispatcherSettings
from poseway_gateway.dispatcher.worker import Worker
from tests.support.queue_harness import GREEDY, SMALL, QueueHarness, run_in


class Quick(Worker):
    """A worker that finishes three jobs immediately."""

    def __init__(self, harness: QueueHarness) -> None:
        settings = DispatcherSettings()
        super().__init__(
            harness.store, harness.queue, harness.dispatcher(), Services(settings), settings
        )
        self.done: list[str] = []

    async def _run(self, request: JobRequest, record: JobRecord, stopping: asyncio.Event) -> bool:
        await self._end(record, JobState.SUCCEEDED)
        self.done.append(request.id)
        if len(self.done) == 3:
            stopping.set()
        return True


async def begun(harness: QueueHarness, job_id: str) -> JobRecord:
    record = JobRecord(harness.store, job_id)
    await asyncio.to_thread(record.load)
    # So that its lease lasts long.
    await asyncio.to_thread(record.begin, alone=True)
    return record


@pytest.mark.parametrize("in_front", [1, 4])
def test_messages_without_work_use_up_no_turn(stack: Stack, tmp_path: Path, in_front: int) -> None:
    """With one job in front, the job is delivered; with four, it is found out of order."""

    async def test(harness: QueueHarness) -> None:
        many = await harness.accept(GREEDY, in_front)
        removed, ended, held = await harness.accept(SMALL, 3)
        many += await harness.accept(GREEDY, 4)
        (wanted,) = await harness.accept(SMALL)
        await asyncio.to_thread(harness.store.delete_prefix, Keys(removed).record)
        await begun(harness, held)
        record = await begun(harness, ended)
        await asyncio.to_thread(record.finish, JobState.SUCCEEDED)
        harness.age(ended, DEFAULT_TERMS.delivered)
        worker = Quick(harness)
        await worker.work(asyncio.Event())
        assert worker.done == [many[0], wanted, many[1]]

    run_in(stack, tmp_path, test)
