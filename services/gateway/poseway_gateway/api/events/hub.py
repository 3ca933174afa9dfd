"""The hub: distributes the status feed to all event streams of this process."""

import asyncio
import contextlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import nats.errors
import prometheus_client
import structlog

from poseway.jobs import JobStatus
from poseway.messaging.job_queue import JobQueue
from poseway.messaging.status_feed import KEPT_SECONDS, Follower, StatusChange

log = structlog.get_logger(__name__)

_LISTENERS: Final = prometheus_client.Gauge("poseway_event_listeners", "Open event streams.")

_MAX_JOBS: Final = 2000
# Slightly less than the feed keeps messages.
_RESUMABLE_SECONDS: Final = KEPT_SECONDS - 60
_PAUSE_SECONDS: Final = 1.0
_ID: Final = re.compile(r"([0-9a-f]{1,16})-([0-9]{1,18})-([0-9]{1,12})")


class Listener:
    """Status changes that one event stream has yet to send, at most the latest of each job.

    Attributes:
        wake: Set while there are changes to send.
        reset: Whether changes were lost, so that the client must list its jobs again.
    """

    def __init__(self, job_id: str | None) -> None:
        self.wake = asyncio.Event()
        self.reset = False
        self._job_id = job_id
        self._pending: OrderedDict[str, StatusChange] = OrderedDict()

    def put(self, change: StatusChange) -> None:
        """Adds a change, unless it concerns another job than the one listened to."""
        if self._job_id not in (None, change.job_id):
            return
        self._pending.pop(change.job_id, None)
        self._pending[change.job_id] = change
        if len(self._pending) > _MAX_JOBS:
            self.require_reset()
        self.wake.set()

    def require_reset(self) -> None:
        """Drops all changes; the client must list its jobs again."""
        self._pending.clear()
        self.reset = True
        self.wake.set()

    def take(self) -> list[StatusChange]:
        """Removes and returns all changes, oldest first."""
        found = list(self._pending.values())
        self._pending.clear()
        self.wake.clear()
        return found


class Hub:
    """Follows the status feed, and resumes by itself after NATS was unreachable.

    Attributes:
        on_change: Called with every change.
    """

    def __init__(self) -> None:
        self._life: str | None = None
        self._newest: OrderedDict[str, StatusChange] = OrderedDict()
        self._confirmed_at: dict[str, float] = {}
        self._listeners: set[Listener] = set()
        self._number = 0
        self._forgotten = 0
        self._caught_up = asyncio.Event()
        self.on_change: Callable[[StatusChange], None] = lambda _: None

    async def run(self, connecting: asyncio.Task[JobQueue]) -> None:
        """Follows the feed until cancelled."""
        queue = await asyncio.shield(connecting)
        lost = time.monotonic()
        while True:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                follower = await queue.follow()
                if follower.life != self._life or time.monotonic() - lost > _RESUMABLE_SECONDS:
                    self._begin(follower.life)
                await self._follow(follower)
            self._caught_up.clear()
            lost = time.monotonic()
            log.info("following the status feed again")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow(self, follower: Follower) -> None:
        try:
            if not follower.backlog:
                self._caught_up.set()
            async for change in follower.changes():
                self.receive(change)
                if not change.backlog:
                    self._caught_up.set()
        finally:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                await follower.stop()

    def _begin(self, life: str) -> None:
        """Drops all state: the feed's numbers restart, or too many changes were missed."""
        if self._life is not None:
            for listener in self._listeners:
                listener.require_reset()
        self._life = life
        self._newest.clear()
        self._confirmed_at.clear()
        self._number = self._forgotten = 0

    def receive(self, change: StatusChange) -> None:
        """Distributes a change, unless it is outdated."""
        if change.number <= self._number:
            return
        self._number = change.number
        if self._is_late(change):
            return
        self._newest.pop(change.job_id, None)
        self._newest[change.job_id] = change
        self._confirmed_at[change.job_id] = time.monotonic()
        if len(self._newest) > _MAX_JOBS:
            job_id, forgotten = self._newest.popitem(last=False)
            self._forgotten = forgotten.number
            del self._confirmed_at[job_id]
        self.on_change(change)
        for listener in self._listeners:
            listener.put(change)

    def _is_late(self, change: StatusChange) -> bool:
        """Returns whether a change reports progress of a job that has ended.

        Messages of different senders may overtake each other: those of a dispatcher that was frozen
        and has yet to notice that it lost its lease, or of an api that reports an older record.
        """
        before = self._newest.get(change.job_id)
        return (
            before is not None
            and isinstance(before.content, JobStatus)
            and before.content.state.finished
            and isinstance(change.content, JobStatus)
            and not change.content.state.finished
        )

    async def ready(self, seconds: float) -> None:
        """Waits until the hub has caught up with the feed, for at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._caught_up.wait()

    @contextmanager
    def listen(self, last_id: str | None, job_id: str | None = None) -> Iterator[Listener]:
        """Provides a listener for the duration of the block.

        Args:
            last_id: Id of the last event that the client received, to receive those after it; None
                for a client that lists its jobs anyway.
            job_id: Job to listen to; None for all jobs.
        """
        listener = Listener(job_id)
        if last_id is not None:
            missed = self._since(last_id)
            if missed is None:
                listener.require_reset()
            else:
                for change in missed:
                    listener.put(change)
        self._listeners.add(listener)
        try:
            with _LISTENERS.track_inprogress():
                yield listener
        finally:
            self._listeners.discard(listener)

    def unconfirmed(self, seconds: float, most: int) -> list[StatusChange]:
        """Returns unfinished jobs without a change for some time, and marks them as confirmed.

        Args:
            seconds: Seconds since the last change or confirmation.
            most: Maximum number of jobs.
        """
        before = time.monotonic() - seconds
        found = [
            change
            for change in self._newest.values()
            if isinstance(change.content, JobStatus)
            and not change.content.state.finished
            and self._confirmed_at[change.job_id] < before
        ][:most]
        self._confirmed_at |= dict.fromkeys((change.job_id for change in found), time.monotonic())
        return found

    def newest(self, job_id: str) -> StatusChange | None:
        """Returns the latest change of a job; None if there was none recently."""
        return self._newest.get(job_id)

    def event_id(self, change: StatusChange | None = None) -> str | None:
        """Returns the event id for a change, by default the latest; None at first."""
        if self._life is None:
            return None
        number = change.number if change else self._number
        return f"{self._life}-{number}-{int(time.time())}"

    def _since(self, last_id: str) -> list[StatusChange] | None:
        """Returns the changes after an event; None if some may be missing."""
        match = _ID.fullmatch(last_id)
        if match is None or match[1] != self._life or not self._caught_up.is_set():
            return None
        # The end of a job is reported once, and the feed keeps it for this long.
        if time.time() - int(match[3]) > _RESUMABLE_SECONDS:
            return None
        number = int(match[2])
        if number < self._forgotten or number > self._number:
            return None
        return [change for change in self._newest.values() if change.number > number]
