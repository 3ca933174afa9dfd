"""Whether object storage can be reached, asked without waiting for one that is silent."""

import asyncio
import threading
from contextlib import suppress

from poseway.storage import ObjectStore


class StorageProbe:
    """Asks object storage, once at a time however many want to know.

    One that takes connections and says nothing is given up after minutes only. So it is asked in a
    thread of its own, which neither takes the place of other work nor holds up the process's end.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._asked: asyncio.Future[Exception | None] | None = None

    async def check(self) -> None:
        """Raises `NotFoundError` or `UnavailableError` unless the bucket is there."""
        if self._asked is None or self._asked.done():
            asked: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
            threading.Thread(target=self._ask, args=(asked,), name="reach", daemon=True).start()
            self._asked = asked
        error = await asyncio.shield(self._asked)
        if error is not None:
            raise error

    def _ask(self, asked: "asyncio.Future[Exception | None]") -> None:
        found: Exception | None = None
        try:
            self._store.check()
        except Exception as error:  # Whatever it is, those who wait get it.
            found = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            asked.get_loop().call_soon_threadsafe(asked.set_result, found)
