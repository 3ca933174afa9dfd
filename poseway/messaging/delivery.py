"""A job taken by a dispatcher: delivered by the queue, or taken out of the queue's order."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import nats.errors
import nats.js.errors
import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

log = structlog.get_logger(__name__)

WORK: Final = "poseway.jobs"


def subject_of(owner: str) -> str:
    """Subject of an owner's jobs. The owner is empty if there are no API keys."""
    return f"{WORK}.{owner}" if owner else WORK


def owner_of(subject: str) -> str:
    """Owner of the jobs on a subject; the inverse of `subject_of`."""
    return subject.removeprefix(WORK).removeprefix(".")


class Delivery:
    """A job that the queue delivered, until it is acknowledged or handed back."""

    def __init__(self, message: Msg, ack_wait_seconds: float) -> None:
        """Wraps a message.

        Args:
            message: Message of the job.
            ack_wait_seconds: Seconds without a heartbeat after which the queue redelivers it.
        """
        self._message = message
        self._heartbeat_seconds = ack_wait_seconds / 3
        self.job_id = message.data.decode("ascii", "replace")

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the message, such as its trace context."""
        return self._message.headers or {}

    @property
    def owner(self) -> str:
        """Owner of the job."""
        return owner_of(self._message.subject)

    @property
    def attempt(self) -> int:
        """Number of deliveries, including this one."""
        return self._message.metadata.num_delivered or 1

    @property
    def age_seconds(self) -> float:
        """Seconds since the job was queued."""
        return time.time() - self._message.metadata.timestamp.timestamp()

    @asynccontextmanager
    async def heartbeats(self) -> AsyncIterator[None]:
        """Sends heartbeats to the queue while the block runs."""

        async def beat() -> None:
            while True:
                await asyncio.sleep(self._heartbeat_seconds)
                try:
                    await self._message.in_progress()
                except nats.errors.Error as error:
                    log.warning("heartbeat failed", error=str(error))

        task = asyncio.create_task(beat())
        try:
            yield
        finally:
            task.cancel()

    async def done(self) -> None:
        """Removes the job from the queue. If that fails, it is redelivered and ends at once."""
        try:
            await self._message.ack_sync(timeout=5)
        except (nats.errors.Error, TimeoutError) as error:
            log.warning("not acknowledged", error=str(error))

    async def hand_back(self, delay: float = 0) -> None:
        """Returns the job to the queue for redelivery after `delay` seconds."""
        try:
            await self._message.nak(delay=delay)
        except nats.errors.Error as error:
            log.warning("not handed back", error=str(error))


class EarlyDelivery:
    """A job that is taken before the queue delivers it. Its message stays on the queue meanwhile.

    A dispatcher that receives the message finds the job leased, or, if the lease has expired,
    resumes it.
    """

    attempt: Final = 1

    def __init__(self, stream: JetStreamContext, name: str, message: RawStreamMsg) -> None:
        self._stream = stream
        self._name = name
        self._put_at = message.time
        self.owner = owner_of(message.subject or WORK)
        self.number = message.seq or 0
        self.headers: dict[str, str] = message.headers or {}
        self.job_id = (message.data or b"").decode("ascii", "replace")

    @property
    def age_seconds(self) -> float:
        """Seconds since the job was queued."""
        return max(0.0, time.time() - self._put_at.timestamp()) if self._put_at else 0.0

    @asynccontextmanager
    async def heartbeats(self) -> AsyncIterator[None]:
        """Does nothing: the queue needs no heartbeats, because the job's record holds the lease."""
        yield

    async def done(self) -> None:
        """Removes the job from the queue. If that fails, it is delivered and ends at once."""
        try:
            # After a loss of data, sequence numbers restart and this one may be another job's.
            there = await self._stream.get_msg(self._name, self.number)
            if there.data == self.job_id.encode() and there.time == self._put_at:
                await self._stream.delete_msg(self._name, self.number)
        except nats.js.errors.NotFoundError:
            log.info("no longer on the queue")
        except (nats.errors.Error, TimeoutError) as error:
            log.warning("not removed from the queue", error=str(error))
            await asyncio.sleep(1)  # it may be found again at once

    async def hand_back(self, delay: float = 0) -> None:
        """Does nothing: the message is still on the queue and will be delivered in order."""
