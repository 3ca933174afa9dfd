"""One after the other, for things that have a name."""

import asyncio
from weakref import WeakValueDictionary


class NamedLocks:
    """Locks by name, which are there for as long as somebody holds or waits. For one event loop."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Lock:
        """The lock of a name."""
        return self._locks.setdefault(name, asyncio.Lock())
