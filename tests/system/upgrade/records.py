"""Puts stored data of an older version where this version reads it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from poseway.jobs import Keys, new_job_id
from poseway.local.stack import Stack
from poseway.messaging.job_queue import JobQueue
from poseway_gateway.admin.requeue import RequeueSettings, requeue

RECORDED: Final = Path(__file__).parent / "recorded"
_JOB: Final = "f" * 32
_LONG_AGO: Final = "2026-01-01T00:00:00Z"


@contextmanager
def left_behind(stack: Stack, name: str) -> Iterator[str]:
    """Puts the job `half` or `done` into the bucket, for the block, and gives its id."""
    job_id = new_job_id()
    keys = Keys(job_id)
    folder = RECORDED / name
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            top, rest = path.relative_to(folder).as_posix().split("/", 1)
            data = path.read_bytes().replace(_JOB.encode(), job_id.encode())
            put(stack, f"{top}/{job_id}/{rest}", data)
    change(stack, keys.status, updated_at=_LONG_AGO)
    try:
        yield job_id
    finally:
        for prefix in (keys.record, keys.result, keys.upload):
            stack.store.delete_prefix(prefix)


def put(stack: Stack, key: str, data: bytes) -> None:
    """Puts an object with the media type of its name."""
    kind = "application/json" if key.endswith(".json") else "application/octet-stream"
    stack.store.put(key, data, kind)


def change(stack: Stack, key: str, **changes: object) -> None:
    """Changes fields of a record."""
    put(stack, key, json.dumps(json.loads(stack.store.get(key)[0]) | changes).encode())


def settings(stack: Stack) -> RequeueSettings:
    """Settings of a system's bucket and queue."""
    env = stack.env
    return RequeueSettings(
        s3_endpoint=env["POSEWAY_S3_ENDPOINT"],
        s3_access_key=env["POSEWAY_S3_ACCESS_KEY"],
        s3_secret_key=SecretStr(env["POSEWAY_S3_SECRET_KEY"]),
        nats_url=env["POSEWAY_NATS_URL"],
        nats_token=SecretStr(env["POSEWAY_NATS_TOKEN"]),
    )


def put_back(stack: Stack) -> int:
    """Puts unfinished jobs on the queue, as an operator does; returns how many."""
    return asyncio.run(requeue(settings(stack)))


def put_on_queue(stack: Stack, job_id: str) -> None:
    """Puts one job on the queue without reading its record."""

    async def publish() -> None:
        queue = await JobQueue.connect(settings(stack))
        await queue.publish(job_id)
        await queue.close()

    asyncio.run(publish())
