"""What happened to jobs lately, for whoever wants to miss nothing of it.

A stream in the memory of NATS keeps the newest message of each job for an hour. Every message has
a number, the same for all who listen. Numbers begin anew with each life of the stream, which ends
when NATS loses its memory. None of this is a record: that is in object storage.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import BadRequestError
from pydantic import BaseModel, ConfigDict

from poseway.jobs import JobStatus

SUBJECT: Final = "poseway.progress."
KEPT_SECONDS: Final = 3600.0
_STREAM: Final = "POSEWAY_PROGRESS"
_MOST_JOBS: Final = 20_000
_QUIET_SECONDS: Final = 5.0
_OTHER_SETTINGS: Final = 10058
"""NATS's number for a stream of that name with another configuration."""


class Gone(BaseModel):
    """Told of a job that was removed."""

    model_config = ConfigDict(extra="forbid")

    gone: bool
    owner: str


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A message.

    Attributes:
        number: Higher than that of every message before, in one life of the stream.
        job_id: Which job it is about.
        content: How the job stands, or that it is gone.
        backlog: Whether it was there before anybody listened, and more such messages follow.
    """

    number: int
    job_id: str
    content: JobStatus | Gone
    backlog: bool = False


def parse(data: bytes) -> JobStatus | Gone:
    """Reads a message; raises `ValueError` if it is none."""
    if data.startswith(b'{"gone":'):
        return Gone.model_validate_json(data)
    return JobStatus.model_validate_json(data)


async def ensure(stream: JetStreamContext, replicas: int, *, settle: bool = False) -> None:
    """Makes the stream, with copies on so many servers; safe to repeat. See `ensure_stream`."""
    await ensure_stream(
        stream,
        StreamConfig(
            name=_STREAM,
            subjects=[SUBJECT + "*"],
            storage=StorageType.MEMORY,
            max_msgs_per_subject=1,
            max_msgs=_MOST_JOBS,
            max_age=KEPT_SECONDS,
            discard=DiscardPolicy.OLD,
            num_replicas=replicas,
        ),
        settle=settle,
    )


async def ensure_stream(stream: JetStreamContext, config: StreamConfig, *, settle: bool) -> None:
    """Makes a stream; one that is there with other settings gets these if they are to `settle`."""
    try:
        await stream.add_stream(config)
    except BadRequestError as error:
        if error.err_code != _OTHER_SETTINGS:
            raise
        if settle:
            await stream.update_stream(config)


class Follower:
    """Listens to the stream, from the oldest message that it still has.

    Attributes:
        life: Of the stream; numbers of different lives do not compare.
        backlog: Messages that were there before.
    """

    def __init__(
        self, subscription: JetStreamContext.PushSubscription, life: str, backlog: int
    ) -> None:
        self.life = life
        self.backlog = backlog
        self._subscription = subscription
        self._count = 0

    @classmethod
    async def start(cls, stream: JetStreamContext, replicas: int) -> "Follower":
        """Begins to listen; raises `nats.errors.Error` or `TimeoutError` if NATS does not work."""
        await ensure(stream, replicas)
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, inactive_threshold=60, mem_storage=True)
        subscription = await stream.subscribe(SUBJECT + "*", stream=_STREAM, config=config)
        consumer = await subscription.consumer_info()
        delivered = consumer.delivered.consumer_seq if consumer.delivered else 0
        # A stream that is made anew has another second of birth, and takes the consumer along.
        info = await stream.stream_info(_STREAM)
        born = info.created.timestamp() if info.created else 0.0
        return cls(subscription, f"{int(born * 1000):x}", (consumer.num_pending or 0) + delivered)

    async def changes(self) -> AsyncIterator[StatusChange]:
        """Yields messages for ever.

        Raises:
            nats.errors.Error: The connection or a message was lost: start anew.
            TimeoutError: NATS does not answer: start anew.
        """
        while True:
            try:
                message = await self._subscription.next_msg(timeout=_QUIET_SECONDS)
            except TimeoutError:
                await self._check()
                continue
            sequence = message.metadata.sequence
            self._count += 1
            if sequence.consumer != self._count:
                raise nats.errors.Error
            try:
                told = parse(message.data)
            except ValueError:
                continue  # of another version
            job_id = message.subject.removeprefix(SUBJECT)
            yield StatusChange(sequence.stream, job_id, told, self._count < self.backlog)

    async def _check(self) -> None:
        """Raises unless everything that was sent has come."""
        consumer = await self._subscription.consumer_info()
        sent = consumer.delivered.consumer_seq if consumer.delivered else 0
        if sent > self._count and not self._subscription.pending_msgs:
            raise nats.errors.Error

    async def stop(self) -> None:
        """Listens no longer."""
        await self._subscription.unsubscribe()
