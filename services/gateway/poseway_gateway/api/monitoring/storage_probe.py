"""A probe of object storage that a silent server does not block."""

import asyncio
import threading
from contextlib import suppress

from poseway.storage import ObjectStore


class StorageProbe:
    """Checks that object storage answers, with one request at a time for all callers.

    A request to a server that accepts connections but never answers fails only after minutes. The
    probe therefore runs in a thread of its own, which neither takes a thread from other work nor
    delays the end of the process.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._asked: asyncio.Future[Exception | None] | None = None

    async def check(self) -> None:
        """Checks that the bucket exists.

        Raises:
            NotFoundError: There is no bucket.
            UnavailableError: Object storage does not answer.
        """
        if self._asked is None or self._asked.done():
            asked: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
            threading.Thread(
                target=self._ask, args=(asked,), name="storage-probe", daemon=True
            ).start()
            self._asked = asked
        error = await asyncio.shield(self._asked)
        if error is not None:
            raise error

    def _ask(self, asked: "asyncio.Future[Exception | None]") -> None:
        found: Exception | None = None
        try:
            self._store.check()
        except Exception as error:  # any error is passed on to those who await the probe
            found = error
        with suppress(RuntimeError):  # the event loop has ended meanwhile
            asked.get_loop().call_soon_threadsafe(asked.set_result, found)
