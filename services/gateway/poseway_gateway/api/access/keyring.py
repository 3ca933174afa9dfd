"""A cache of API keys, which refreshes them from the bucket every few seconds."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from poseway.api_keys import ApiKey, ApiKeys, given, split
from poseway.errors import NotFoundError
from poseway.storage import ObjectStore
from poseway_gateway.api.access.thread_pool import AccessExecutor
from poseway_gateway.api.settings import ApiSettings

_FRESH_SECONDS: Final = 5.0
"""A revoked key may remain valid for this long."""
_DOUBT_SECONDS: Final = 1.0
"""A key whose secret does not match may have been rotated: it is read again after this long."""
_MAX_CACHED: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    key: ApiKey
    read_at: float


class KeyRing:
    """Looks up API keys. For one event loop."""

    def __init__(self, store: ObjectStore, threads: AccessExecutor, settings: ApiSettings) -> None:
        self._threads = threads
        self._keys = ApiKeys(store)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._reading: dict[str, asyncio.Task[ApiKey | None]] = {}
        self._first: ApiKey | None = None
        if settings.first_key is not None:
            self._first = given(settings.first_key.get_secret_value(), "first")

    def is_guess(self, text: str) -> bool:
        """Returns whether this may be a guess: no key with this id has been found yet."""
        parts = split(text)
        if parts is None or (self._first is not None and parts[0] == self._first.id):
            return False
        return parts[0] not in self._known

    async def check(self, text: str) -> ApiKey | None:
        """Returns the key that a caller sent in full; None if it is not valid."""
        parts = split(text)
        if parts is None:
            return None
        key_id, secret = parts
        key = await self.find(key_id)
        if key is not None and not key.fits(secret):
            key = await self.find(key_id, _DOUBT_SECONDS)
        return key if key is not None and key.fits(secret) else None

    async def find(self, key_id: str, seconds: float = _FRESH_SECONDS) -> ApiKey | None:
        """Returns a valid key by its id, at most `seconds` old; None if there is none."""
        if self._first is not None and key_id == self._first.id:
            return self._first
        known = self._known.get(key_id)
        if known is None or known.read_at < time.monotonic() - seconds:
            key = await self._read(key_id)
            self._known.pop(key_id, None)
            if key is None:
                return None  # not cached: ids can be made up
            known = self._known[key_id] = _Known(key, time.monotonic())
            if len(self._known) > _MAX_CACHED:
                self._known.popitem(last=False)
        return known.key if known.key.revoked_at is None else None

    async def _read(self, key_id: str) -> ApiKey | None:
        """Reads a key; concurrent calls for one key share a request."""
        if key_id not in self._reading:
            task = asyncio.create_task(self._threads.run(self._get, key_id))
            task.add_done_callback(lambda _: self._reading.pop(key_id))
            self._reading[key_id] = task
        # Shielded: one caller may disconnect while others still wait.
        return await asyncio.shield(self._reading[key_id])

    def _get(self, key_id: str) -> ApiKey | None:
        try:
            return self._keys.get(key_id)
        except NotFoundError:
            return None
