"""How much of a job may be on its way at once."""

import asyncio
from collections import deque
from contextlib import ExitStack
from typing import Final, Self

from poseway_gateway.dispatcher.clients import Services
from poseway_gateway.dispatcher.settings import DispatcherSettings

# While a segment is read and written another is drawn. With one at a time, eight replicas that were
# busy drawing for 240 s together took a fifth longer than their share.
_RENDERS_PER_REPLICA: Final = 2


class Limiter:
    """So many may hold it at once; the others wait, and come in the order in which they asked.

    Made smaller, it takes nothing from those who hold it: nobody comes in until enough of them
    have left.

    Attributes:
        size: How many.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._held = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        """Waits for a place and takes it."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            # Who was let in and told to go in the same moment gives the place back. Who was not is
            # passed over.
            if not turn.cancelled():
                self.release()
            raise

    async def __aenter__(self) -> None:
        """Takes a place for a block."""
        await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Gives a place back."""
        self._held -= 1
        self._admit()

    def resize(self, size: int) -> None:
        """Has so many places from now on."""
        self.size = size
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._held < self.size:
            turn = self._waiting.popleft()
            if not turn.cancelled():
                self._held += 1
                turn.set_result(None)


class ConcurrencyLimits:
    """Places for batches and segments: as many as the replicas need, and the memory allows.

    Attributes:
        batches: A batch has one while it is with inference.
        segments: A segment has one from its first frame until it is checkpointed.
        renders: A segment has one while it is with the renderer. It waits here, and not at a
            replica that is busy while another becomes free.
    """

    def __init__(self, settings: DispatcherSettings, services: Services) -> None:
        self._settings = settings
        self._services = services
        self._following = ExitStack()
        self.batches = Limiter(settings.batches_in_flight)
        self.segments = Limiter(settings.segments_in_flight)
        self.renders = Limiter(_RENDERS_PER_REPLICA)

    async def __aenter__(self) -> Self:
        """Follows the replicas as they come and go."""
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
