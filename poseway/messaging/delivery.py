"""A job in the hands of whoever works on it: delivered by the queue, or done before it is."""

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
    """What the jobs of an owner are published as; where there are no keys, the owner is empty."""
    return f"{WORK}.{owner}" if owner else WORK


def owner_of(subject: str) -> str:
    """The other way round."""
    return subject.removeprefix(WORK).removeprefix(".")


class Delivery:
    """A job that was taken from the queue and is kept until it is done or handed back."""

    def __init__(self, message: Msg, ack_wait_seconds: float) -> None:
        """Takes charge of a message.

        Args:
            message: The message.
            ack_wait_seconds: The queue delivers it again after this long without a heartbeat.
        """
        self._message = message
        self._heartbeat_seconds = ack_wait_seconds / 3
        self.job_id = message.data.decode("ascii", "replace")

    @property
    def headers(self) -> dict[str, str]:
        """What was sent along with it, such as what it is traced by."""
        return self._message.headers or {}

    @property
    def owner(self) -> str:
        """Whose job it is."""
        return owner_of(self._message.subject)

    @property
    def attempt(self) -> int:
        """How often it was delivered, this time included."""
        return self._message.metadata.num_delivered or 1

    @property
    def age_seconds(self) -> float:
        """How long ago it was put on the queue."""
        return time.time() - self._message.metadata.timestamp.timestamp()

    @asynccontextmanager
    async def heartbeats(self) -> AsyncIterator[None]:
        """Tells the queue, for as long as the block runs, that the job is being worked on."""

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
        """Takes the job off the queue for good; if that fails it comes again, and ends at once."""
        try:
            await self._message.ack_sync(timeout=5)
        except (nats.errors.Error, TimeoutError) as error:
            log.warning("not acknowledged", error=str(error))

    async def hand_back(self, delay: float = 0) -> None:
        """Puts the job back, to be delivered again after `delay` seconds."""
        try:
            await self._message.nak(delay=delay)
        except nats.errors.Error as error:
            log.warning("not handed back", error=str(error))


class EarlyDelivery:
    """A job that is done before it is delivered. Its message waits meanwhile where it is.

    Whoever is given that message finds the job in hand, or, where its holder died, goes on with it.
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
        """How long ago it was put on the queue."""
        return max(0.0, time.time() - self._put_at.timestamp()) if self._put_at else 0.0

    @asynccontextmanager
    async def heartbeats(self) -> AsyncIterator[None]:
        """Nothing has to be told to the queue: the record says who is at it."""
        yield

    async def done(self) -> None:
        """Takes the job off the queue for good; if that fails it is delivered, and ends at once."""
        try:
            # A queue that lost its data counts from 1 again, and the number is somebody else's.
            there = await self._stream.get_msg(self._name, self.number)
            if there.data == self.job_id.encode() and there.time == self._put_at:
                await self._stream.delete_msg(self._name, self.number)
        except nats.js.errors.NotFoundError:
            log.info("no longer on the queue")
        except (nats.errors.Error, TimeoutError) as error:
            log.warning("not removed from the queue", error=str(error))
            await asyncio.sleep(1)  # It may be found again at once.

    async def hand_back(self, delay: float = 0) -> None:
        """Leaves the job where it is: it is delivered when it is its turn there."""
