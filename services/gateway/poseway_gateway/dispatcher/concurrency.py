"""Concurrency limits: how much of a job may be in progress."""

import asyncio
from collections import deque
from contextlib import ExitStack
from typing import Final, Self

from poseway_gateway.dispatcher.clients import Services
from poseway_gateway.dispatcher.settings import DispatcherSettings

# One segment is drawn while another is read or written. With one per replica, eight replicas that
# had 240 s of drawing between them took a fifth longer than their share.
_RENDERS_PER_REPLICA: Final = 2


class Limiter:
    """A first-in, first-out semaphore whose size may change while it is in use.

    Shrinking it does not revoke slots. New ones are granted once enough have been released.

    Attributes:
        size: Number of slots.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._held = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Waits for a slot and takes it."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            # Return a slot that was granted just before the cancellation. `_admit` skips waiters
            # that were cancelled before.
            if not turn.cancelled():
                self.release()
            raise

    async def __aenter__(self) -> None:
        """Holds a slot for a block."""
        await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Returns a slot."""
        self._held -= 1
        self._admit()

    def resize(self, size: int) -> None:
        """Changes the number of slots."""
        self.size = size
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._held < self.size:
            turn = self._waiting.popleft()
            if not turn.cancelled():
                self._held += 1
                turn.set_result(None)


class ConcurrencyLimits:
    """Limits a job's batches and segments to what keeps replicas busy and fits into memory.

    Attributes:
        batches: Batches in inference.
        segments: Segments from their first frame to their checkpoint.
        renders: Segments at the renderer. They wait here, not at a busy replica while another one
            becomes free.
    """

    def __init__(self, settings: DispatcherSettings, services: Services) -> None:
        self._settings = settings
        self._services = services
        self._following = ExitStack()
        self.batches = Limiter(settings.batches_in_flight)
        self.segments = Limiter(settings.segments_in_flight)
        self.renders = Limiter(_RENDERS_PER_REPLICA)

    async def __aenter__(self) -> Self:
        """Starts to adapt the limits to the number of replicas."""
        self._following.enter_context(self._services.inference.followed(self._resize_batches))
        self._following.enter_context(self._services.renderer.followed(self._resize_segments))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._following.close()

    def _resize_batches(self, replicas: int) -> None:
        wanted = self._settings.batches_in_flight * max(1, replicas)
        most = max(self._settings.max_batches_in_flight, self._settings.batches_in_flight)
        self.batches.resize(min(wanted, most))

    def _resize_segments(self, replicas: int) -> None:
        further = max(1, replicas) - 1
        wanted = self._settings.segments_in_flight + _RENDERS_PER_REPLICA * further
        most = max(self._settings.max_segments_in_flight, self._settings.segments_in_flight)
        self.segments.resize(min(wanted, most))
        self.renders.resize(_RENDERS_PER_REPLICA * max(1, replicas))
