"""Mutual exclusion by name."""

import asyncio
from weakref import WeakValueDictionary


class NamedLocks:
    """Locks by name. A lock exists while a task holds or awaits it. For one event loop."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def lock(self, name: str) -> asyncio.Lock:
        """Returns the lock of a name."""
        return self._locks.setdefault(name, asyncio.Lock())
