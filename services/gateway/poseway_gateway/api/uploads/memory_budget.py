"""Memory that uploads may take together, however many come at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from poseway.errors import OverloadedError


class MemoryBudget:
    """So many bytes, lent out first come, first served. For one event loop."""

    def __init__(self, total: int, patience: float = 30.0) -> None:
        """Begins with all of it free.

        Args:
            total: Bytes.
            patience: Seconds that somebody waits before they are sent away.
        """
        self.free = total
        self._total = total
        self._patience = patience
        self._turn = asyncio.Lock()  # wakes those who wait in their order
        self._returned = asyncio.Event()

    @asynccontextmanager
    async def lend(self, size: int) -> AsyncIterator[None]:
        """Takes bytes for as long as the block runs, waiting until there are as many.

        Args:
            size: How many; more than there are in all counts as all.

        Raises:
            OverloadedError: There were not in time.
        """
        size = min(size, self._total)
        try:
            async with asyncio.timeout(self._patience), self._turn:
                while self.free < size:
                    self._returned.clear()
                    await self._returned.wait()
                self.free -= size
        except TimeoutError:
            raise OverloadedError(
                "Too many videos are being uploaded at once. Try again in a minute."
            ) from None
        try:
            yield
        finally:
            self.free += size
            self._returned.set()
