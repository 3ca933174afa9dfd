"""The job queue, the status feed and cancel signals over NATS.

Object storage is the record of all jobs. NATS only carries which job is next and how it progresses.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Self

import nats
import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StreamConfig

from poseway.errors import UnavailableError
from poseway.messaging import backlog, status_feed
from poseway.messaging.backlog import Backlog
from poseway.messaging.delivery import WORK, Delivery, EarlyDelivery, owner_of, subject_of
from poseway.messaging.status_feed import Follower, Gone
from poseway.settings import QueueSettings
from poseway.telemetry import traces

log = structlog.get_logger(__name__)

STREAM: Final = "POSEWAY_JOBS"
CONSUMER: Final = "dispatcher"
_ENDED_STREAM: Final = "POSEWAY_WEBHOOKS"
_ENDED_CONSUMER: Final = "api"
_ENDED: Final = "poseway.webhooks"
_ENDED_ACK_WAIT_SECONDS: Final = 30.0
"""More than one attempt at a webhook takes. Those send no heartbeats."""
_CANCEL: Final = "poseway.cancel."

_TAKEOVER_SECONDS: Final = 15.0
"""More than a cluster needs to elect another leader, which takes about 10 s."""


class JobQueue:
    """A connection to NATS that reconnects automatically and never gives up."""

    def __init__(self, connection: Client, replicas: int, ack_wait_seconds: float) -> None:
        self._nats = connection
        self._replicas = replicas
        self._ack_wait_seconds = ack_wait_seconds
        self._stream = connection.jetstream(timeout=5)

    @classmethod
    async def connect(cls, settings: QueueSettings) -> Self:
        """Connects, waiting for the server if necessary, and creates the queue if it is missing."""
        token = settings.nats_token

        async def report(error: Exception) -> None:
            log.warning("queue", error=str(error) or type(error).__name__)

        connection = await nats.connect(
            settings.nats_url.split(","),
            token=token.get_secret_value() if token else None,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,
            ping_interval=10,
            error_cb=report,
        )
        queue = cls(connection, settings.nats_replicas, settings.nats_ack_wait_seconds)
        while True:
            try:
                await queue.ensure(settle=True)
            except (nats.errors.Error, TimeoutError) as error:
                # Just after its start, the server may not have JetStream ready.
                await report(error)
                await asyncio.sleep(0.5)
            else:
                return queue

    async def ensure(self, *, settle: bool = False) -> None:
        """Creates the streams and their consumers. Safe to repeat.

        Args:
            settle: Also update the settings of existing streams. Only done at start-up: during a
                rolling upgrade, old and new services would otherwise undo each other's settings.
        """
        await status_feed.ensure(self._stream, self._replicas, settle=settle)
        jobs = [WORK, subject_of("*")]
        await self._ensure_queue(STREAM, jobs, CONSUMER, self._ack_wait_seconds, settle)
        await self._ensure_queue(
            _ENDED_STREAM, [_ENDED], _ENDED_CONSUMER, _ENDED_ACK_WAIT_SECONDS, settle
        )

    async def _ensure_queue(
        self, name: str, subjects: list[str], consumer: str, ack_wait: float, settle: bool
    ) -> None:
        await status_feed.ensure_stream(
            self._stream,
            StreamConfig(
                name=name,
                subjects=subjects,
                retention=RetentionPolicy.WORK_QUEUE,
                duplicate_window=120,
                num_replicas=self._replicas,
            ),
            settle=settle,
        )
        # Deliveries are unlimited, and the job's record counts attempts: a message that runs out of
        # deliveries would stay in the stream unnoticed.
        await self._stream.add_consumer(
            name,
            ConsumerConfig(
                durable_name=consumer,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ack_wait,
                max_deliver=-1,
                max_ack_pending=10_000,
            ),
        )

    async def check(self) -> None:
        """Raises `UnavailableError` unless jobs can be published. Creates missing streams."""
        try:
            await self.ensure()
        except (nats.errors.Error, TimeoutError) as error:
            raise UnavailableError("The work queue cannot be reached. Try again soon.") from error

    async def publish(self, job_id: str, owner: str = "", attempt: str = "") -> None:
        """Queues a job and waits until NATS has stored it.

        Args:
            job_id: Id of the job.
            owner: Owner of the job; empty if there are no API keys.
            attempt: Part of the message's id. NATS drops a message whose id it received within the
                last two minutes.

        Raises:
            UnavailableError: The job may not be on the queue.
        """
        await self._publish(subject_of(owner), job_id, job_id + attempt)

    async def publish_ended(self, job_id: str) -> None:
        """Queues the webhook of a job that has ended; see `publish`."""
        await self._publish(_ENDED, job_id, job_id)

    async def _publish(self, subject: str, job_id: str, message_id: str) -> None:
        end = time.monotonic() + (_TAKEOVER_SECONDS if self._replicas > 1 else 0)
        while True:
            try:
                await self._publish_once(subject, job_id, message_id)
            except (nats.errors.Error, TimeoutError) as error:
                if time.monotonic() >= end:
                    raise UnavailableError(
                        "The work queue cannot be reached. Try again soon."
                    ) from error
                await asyncio.sleep(0.2)
            else:
                return

    async def _publish_once(self, subject: str, job_id: str, message_id: str) -> None:
        headers = {"Nats-Msg-Id": message_id, **traces.headers()}
        try:
            await self._stream.publish(subject, job_id.encode(), headers=headers)
        except nats.js.errors.NoStreamResponseError:
            # The server lost its data, or an older version reset the stream to fewer subjects.
            await self.ensure(settle=True)
            await self._stream.publish(subject, job_id.encode(), headers=headers)

    async def backlog(self) -> Backlog:
        """Backlog of jobs. Raises `UnavailableError` if the queue cannot be reached."""
        return await backlog.look(self._stream, STREAM, CONSUMER)

    async def endings_backlog(self) -> Backlog:
        """Backlog of webhooks; see `backlog`."""
        return await backlog.look(self._stream, _ENDED_STREAM, _ENDED_CONSUMER)

    def deliveries(self, stopping: asyncio.Event) -> AsyncIterator[Delivery]:
        """Yields jobs as they are delivered until `stopping` is set."""
        return self._deliveries(CONSUMER, STREAM, self._ack_wait_seconds, stopping)

    def endings(self, stopping: asyncio.Event) -> AsyncIterator[Delivery]:
        """Yields jobs whose webhooks are due until `stopping` is set."""
        return self._deliveries(_ENDED_CONSUMER, _ENDED_STREAM, _ENDED_ACK_WAIT_SECONDS, stopping)

    async def _deliveries(
        self, consumer: str, stream: str, ack_wait: float, stopping: asyncio.Event
    ) -> AsyncIterator[Delivery]:
        pull = await self._stream.pull_subscribe_bind(consumer, stream)
        while not stopping.is_set():
            try:
                for message in await pull.fetch(1, timeout=2):
                    yield Delivery(message, ack_wait)
            except TimeoutError:
                continue
            except nats.errors.Error as error:
                log.warning("queue", error=str(error) or type(error).__name__)
                await asyncio.sleep(1)
                with contextlib.suppress(nats.errors.Error, TimeoutError):
                    await self.ensure()  # the server may have lost its data
        await pull.unsubscribe()

    async def owners(self) -> set[str]:
        """Owners of the queued jobs. Raises `UnavailableError` if the queue cannot be reached."""
        try:
            info = await self._stream.stream_info(STREAM, subjects_filter=">")
        except (nats.errors.Error, TimeoutError) as error:
            raise UnavailableError("The work queue cannot be reached.") from error
        return {owner_of(subject) for subject in info.state.subjects or {}}

    def jobs(self) -> AsyncIterator[EarlyDelivery]:
        """Yields all jobs on the queue, oldest first, delivered or not.

        Raises:
            UnavailableError: The queue cannot be reached.
        """
        return self._jobs(">")

    def jobs_of(self, owner: str) -> AsyncIterator[EarlyDelivery]:
        """Yields the queued jobs of one owner; see `jobs`."""
        return self._jobs(subject_of(owner))

    async def _jobs(self, subject: str) -> AsyncIterator[EarlyDelivery]:
        number = 0
        while True:
            try:
                found = await self._stream.get_msg(STREAM, number, subject, next=True)
            except nats.js.errors.NotFoundError:
                return
            except (nats.errors.Error, TimeoutError) as error:
                raise UnavailableError("The work queue cannot be reached.") from error
            early = EarlyDelivery(self._stream, STREAM, found)
            yield early
            number = early.number + 1

    async def report(self, job_id: str, data: bytes) -> None:
        """Publishes a job's status on the status feed, best effort."""
        await self._best_effort(status_feed.SUBJECT + job_id, data)

    async def report_gone(self, job_id: str, owner: str) -> None:
        """Publishes on the status feed that a job was removed, best effort."""
        data = Gone(gone=True, owner=owner).model_dump_json()
        await self.report(job_id, data.encode())

    async def follow(self) -> Follower:
        """Starts to follow the status feed; see `Follower.start`."""
        return await Follower.start(self._stream, self._replicas)

    async def cancel(self, job_id: str) -> None:
        """Signals the job's dispatcher to cancel it. The job's record repeats the request."""
        await self._best_effort(_CANCEL + job_id, b"")

    @asynccontextmanager
    async def on_cancel(
        self, job_id: str, act: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Calls `act` when a cancel signal for the job arrives while the block runs."""

        async def hear(_message: Msg) -> None:
            await act()

        subscription = await self._nats.subscribe(_CANCEL + job_id, cb=hear)
        try:
            yield
        finally:
            if not self._nats.is_closed:
                await subscription.unsubscribe()

    async def close(self) -> None:
        """Flushes pending messages and disconnects."""
        # Not `drain`, which waits half a minute for messages that will not be taken.
        with contextlib.suppress(nats.errors.Error, TimeoutError):
            await self._nats.flush(timeout=2)
        await self._nats.close()

    async def _best_effort(self, subject: str, data: bytes) -> None:
        try:
            await self._nats.publish(subject, data)
        except nats.errors.Error as error:
            log.warning("message not published", subject=subject, error=str(error))
