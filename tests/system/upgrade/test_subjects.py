"""Jobs queued by a version without owners."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats
from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy, StreamConfig

from poseway.messaging.job_queue import STREAM, JobQueue
from poseway.settings import QueueSettings
from tests.support.deploy.nats_servers import servers

OWNER = "a" * 8
OLD_STREAM = StreamConfig(
    name=STREAM,
    subjects=["poseway.jobs"],
    retention=RetentionPolicy.WORK_QUEUE,
    duplicate_window=120,
    num_replicas=1,
)
"""The stream as the last release creates it."""


async def taken(queue: JobQueue, count: int) -> list[str]:
    stopping, jobs = asyncio.Event(), []
    async for delivery in queue.deliveries(stopping):
        jobs.append((delivery.job_id, delivery.owner))
        await delivery.done()
        if len(jobs) == count:
            stopping.set()
    return [f"{job} of {owner or 'nobody'}" for job, owner in jobs]


def with_an_older_version(
    folder: Path, test: Callable[[QueueSettings, JetStreamContext], Awaitable[list[str]]]
) -> list[str]:
    """Runs a test with a server, to which an older version is connected."""

    async def run(settings: QueueSettings) -> list[str]:
        token = settings.nats_token
        assert token is not None
        while True:
            try:
                older = await nats.connect(
                    settings.nats_url, token=token.get_secret_value(), allow_reconnect=False
                )
                break
            except OSError:
                await asyncio.sleep(0.1)
        found = await test(settings, older.jetstream())
        await older.close()
        return found

    with servers(folder, "nats", 1) as server:
        return asyncio.run(asyncio.wait_for(run(server.settings(1)), 60))


def test_jobs_queued_by_an_older_version_are_processed(tmp_path: Path) -> None:
    async def test(settings: QueueSettings, older: JetStreamContext) -> list[str]:
        await older.add_stream(OLD_STREAM)
        await older.publish("poseway.jobs", b"before")
        queue = await JobQueue.connect(settings)
        await queue.publish("new", OWNER)
        await older.publish("poseway.jobs", b"beside")
        found = await taken(queue, 3)
        await queue.close()
        return found

    found = with_an_older_version(tmp_path, test)
    assert found == ["before of nobody", f"new of {OWNER}", "beside of nobody"]


def test_jobs_are_queued_while_an_older_version_restarts(tmp_path: Path) -> None:
    async def test(settings: QueueSettings, older: JetStreamContext) -> list[str]:
        queue = await JobQueue.connect(settings)
        await queue.publish("first", OWNER)
        await older.update_stream(OLD_STREAM)
        await queue.publish("second", OWNER)
        # After a downgrade, the queued jobs are delivered to the older version.
        await older.update_stream(OLD_STREAM)
        found = await taken(queue, 2)
        await queue.close()
        return found

    assert with_an_older_version(tmp_path, test) == [f"first of {OWNER}", f"second of {OWNER}"]
