"""A limit on the memory that concurrent uploads use together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from poseway.errors import OverloadedError


class MemoryBudget:
    """A number of bytes, lent first come, first served. For one event loop.

    Attributes:
        free: Bytes that are not lent.
    """

    def __init__(self, total: int, timeout: float = 30.0) -> None:
        """Begins with the whole budget free.

        Args:
            total: The budget in bytes.
            timeout: Seconds that a request waits before it is rejected.
        """
        self.free = total
        self._total = total
        self._timeout = timeout
        self._queue = asyncio.Lock()  # wakes waiting requests in the order of their arrival
        self._returned = asyncio.Event()

    @asynccontextmanager
    async def lend(self, size: int) -> AsyncIterator[None]:
        """Reserves bytes for the duration of the block, waiting until they are free.

        Args:
            size: Bytes to reserve; at most the whole budget is reserved.

        Raises:
            OverloadedError: They were not free in time.
        """
        size = min(size, self._total)
        try:
            async with asyncio.timeout(self._timeout), self._queue:
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
