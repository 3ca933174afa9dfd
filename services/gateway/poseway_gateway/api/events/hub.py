"""The hub: the newest of every job lately, for all event streams of this process."""

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

_KEPT_JOBS: Final = 2000
# Somewhat less than messages are kept.
_LASTING_SECONDS: Final = KEPT_SECONDS - 60
_PAUSE_SECONDS: Final = 1.0
_ID: Final = re.compile(r"([0-9a-f]{1,16})-([0-9]{1,18})-([0-9]{1,12})")


class Listener:
    """What one event stream has still to send. A slow one skips to the newest of each job.

    Attributes:
        wake: Set whenever there is something.
        reset: Something was missed for good.
    """

    def __init__(self, job_id: str | None) -> None:
        self.wake = asyncio.Event()
        self.reset = False
        self._job_id = job_id
        self._pending: OrderedDict[str, StatusChange] = OrderedDict()

    def put(self, news: StatusChange) -> None:
        """Takes a message, if it is about what this listens to."""
        if self._job_id not in (None, news.job_id):
            return
        self._pending.pop(news.job_id, None)
        self._pending[news.job_id] = news
        if len(self._pending) > _KEPT_JOBS:
            self.begin_anew()
        self.wake.set()

    def begin_anew(self) -> None:
        """Gives up on what there is: its client must ask for everything."""
        self._pending.clear()
        self.reset = True
        self.wake.set()

    def take(self) -> list[StatusChange]:
        """What there is, oldest first; it is up to the caller then."""
        found = list(self._pending.values())
        self._pending.clear()
        self.wake.clear()
        return found


class Hub:
    """Follows the news for as long as it runs, and comes back by itself when NATS was away.

    Attributes:
        on_news: Called with every message.
    """

    def __init__(self) -> None:
        self._life: str | None = None
        self._newest: OrderedDict[str, StatusChange] = OrderedDict()
        self._asked: dict[str, float] = {}
        self._listeners: set[Listener] = set()
        self._number = 0
        self._forgotten = 0
        self._caught_up = asyncio.Event()
        self.on_news: Callable[[StatusChange], None] = lambda _: None

    async def run(self, connecting: asyncio.Task[JobQueue]) -> None:
        """Follows until it is cancelled."""
        queue = await asyncio.shield(connecting)
        lost = time.monotonic()
        while True:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                follower = await queue.follow()
                if follower.life != self._life or time.monotonic() - lost > _LASTING_SECONDS:
                    self._begin(follower.life)
                await self._follow(follower)
            self._caught_up.clear()
            lost = time.monotonic()
            log.info("the news are followed anew")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _follow(self, follower: Follower) -> None:
        try:
            if not follower.backlog:
                self._caught_up.set()
            async for news in follower.changes():
                self.hear(news)
                if not news.backlog:
                    self._caught_up.set()
        finally:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                await follower.stop()

    def _begin(self, life: str) -> None:
        """What was known counts no longer: numbers begin anew, or too much was missed."""
        if self._life is not None:
            for listener in self._listeners:
                listener.begin_anew()
        self._life = life
        self._newest.clear()
        self._asked.clear()
        self._number = self._forgotten = 0

    def hear(self, news: StatusChange) -> None:
        """Takes a message, unless it is an old one."""
        if news.number <= self._number:
            return
        self._number = news.number
        if self._is_late(news):
            return
        self._newest.pop(news.job_id, None)
        self._newest[news.job_id] = news
        self._asked[news.job_id] = time.monotonic()
        if len(self._newest) > _KEPT_JOBS:
            job_id, forgotten = self._newest.popitem(last=False)
            self._forgotten = forgotten.number
            del self._asked[job_id]
        self.on_news(news)
        for listener in self._listeners:
            listener.put(news)

    def _is_late(self, news: StatusChange) -> bool:
        """Whether it says that a job goes on that has ended.

        Messages of different senders may overtake each other: a dispatcher that was frozen and does
        not know yet that it lost the job, or an api that passes on what the record said before.
        """
        before = self._newest.get(news.job_id)
        return (
            before is not None
            and isinstance(before.content, JobStatus)
            and before.content.state.finished
            and isinstance(news.content, JobStatus)
            and not news.content.state.finished
        )

    async def ready(self, seconds: float) -> None:
        """Waits until it knows what there is to know, but no longer than that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._caught_up.wait()

    @contextmanager
    def listen(self, last_id: str | None, job_id: str | None = None) -> Iterator[Listener]:
        """A listener, for as long as the block runs.

        Args:
            last_id: Id of the last event that its client got, which gets what came after it; None
                for a client that asks for everything anyway.
            job_id: The one job to listen to; None for all.
        """
        listener = Listener(job_id)
        if last_id is not None:
            missed = self._since(last_id)
            if missed is None:
                listener.begin_anew()
            else:
                for news in missed:
                    listener.put(news)
        self._listeners.add(listener)
        try:
            with _LISTENERS.track_inprogress():
                yield listener
        finally:
            self._listeners.discard(listener)

    def doubtful(self, seconds: float, most: int) -> list[StatusChange]:
        """Jobs that had not ended when they were last heard of or asked for here, some time ago."""
        before = time.monotonic() - seconds
        found = [
            news
            for news in self._newest.values()
            if isinstance(news.content, JobStatus)
            and not news.content.state.finished
            and self._asked[news.job_id] < before
        ][:most]
        self._asked |= dict.fromkeys((news.job_id for news in found), time.monotonic())
        return found

    def newest(self, job_id: str) -> StatusChange | None:
        """What was told of a job last, if that was lately."""
        return self._newest.get(job_id)

    def event_id(self, news: StatusChange | None = None) -> str | None:
        """Id of the event for a message, or of now; None while nothing is known."""
        if self._life is None:
            return None
        number = news.number if news else self._number
        return f"{self._life}-{number}-{int(time.time())}"

    def _since(self, last_id: str) -> list[StatusChange] | None:
        """What came after an event; None if that cannot be told."""
        match = _ID.fullmatch(last_id)
        if match is None or match[1] != self._life or not self._caught_up.is_set():
            return None
        # The end of a job is told once, and kept for so long.
        if time.time() - int(match[3]) > _LASTING_SECONDS:
            return None
        number = int(match[2])
        if number < self._forgotten or number > self._number:
            return None
        return [news for news in self._newest.values() if news.number > number]
