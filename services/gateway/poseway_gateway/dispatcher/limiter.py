"""A semaphore whose size may change while it is in use."""

import asyncio
from collections import deque


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
