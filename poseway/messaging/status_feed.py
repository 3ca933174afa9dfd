"""The status feed: a stream of job status changes that followers receive completely.

A stream in NATS's memory keeps the latest message of each job for an hour. Every message has a
number, the same for all followers. Numbers restart with each life of the stream, which ends when
NATS loses its memory. The feed is not a record: that is in object storage.
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
"""NATS's error code for an existing stream with another configuration."""


class Gone(BaseModel):
    """Content of a message about a removed job."""

    model_config = ConfigDict(extra="forbid")

    gone: bool
    owner: str


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A message of the feed.

    Attributes:
        number: Higher than the number of every earlier message in the same life of the stream.
        job_id: Id of the job.
        content: Status of the job, or that the job is gone.
        backlog: Whether the message is older than the follower and more such messages follow.
    """

    number: int
    job_id: str
    content: JobStatus | Gone
    backlog: bool = False


def parse(data: bytes) -> JobStatus | Gone:
    """Parses the content of a message. Raises `ValueError` if it is invalid."""
    if data.startswith(b'{"gone":'):
        return Gone.model_validate_json(data)
    return JobStatus.model_validate_json(data)


async def ensure(stream: JetStreamContext, replicas: int, *, settle: bool = False) -> None:
    """Creates the stream with copies on `replicas` servers. Safe to repeat; see `ensure_stream`."""
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
    """Creates a stream. If `settle` is set, an existing stream gets these settings."""
    try:
        await stream.add_stream(config)
    except BadRequestError as error:
        if error.err_code != _OTHER_SETTINGS:
            raise
        if settle:
            await stream.update_stream(config)


class Follower:
    """Follows the stream from the oldest message that it still holds.

    Attributes:
        life: Identifies the life of the stream. Numbers of different lives are not comparable.
        backlog: Number of messages that are older than the follower.
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
        """Starts to follow. Raises `nats.errors.Error` or `TimeoutError` if NATS fails."""
        await ensure(stream, replicas)
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, inactive_threshold=60, mem_storage=True)
        subscription = await stream.subscribe(SUBJECT + "*", stream=_STREAM, config=config)
        consumer = await subscription.consumer_info()
        delivered = consumer.delivered.consumer_seq if consumer.delivered else 0
        # A recreated stream has another creation time, and its old consumers are gone.
        info = await stream.stream_info(_STREAM)
        born = info.created.timestamp() if info.created else 0.0
        return cls(subscription, f"{int(born * 1000):x}", (consumer.num_pending or 0) + delivered)

    async def changes(self) -> AsyncIterator[StatusChange]:
        """Yields messages forever.

        Raises:
            nats.errors.Error: The connection or a message was lost. Start another follower.
            TimeoutError: NATS does not respond. Start another follower.
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
                content = parse(message.data)
            except ValueError:
                continue  # a message of another version
            job_id = message.subject.removeprefix(SUBJECT)
            yield StatusChange(sequence.stream, job_id, content, self._count < self.backlog)

    async def _check(self) -> None:
        """Raises if a message that NATS sent did not arrive."""
        consumer = await self._subscription.consumer_info()
        sent = consumer.delivered.consumer_seq if consumer.delivered else 0
        if sent > self._count and not self._subscription.pending_msgs:
            raise nats.errors.Error

    async def stop(self) -> None:
        """Stops following."""
        await self._subscription.unsubscribe()
