"""What each key asked for today, counted in the bucket: exact, however many gateways there are."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from pydantic import Field

from poseway.api_keys import ApiKey
from poseway.errors import ConflictError, NotFoundError, UnavailableError
from poseway.jobs import Record, now
from poseway.storage import ObjectStore
from poseway_gateway.api.access.executor import AccessExecutor
from poseway_gateway.api.errors import AccessError, limit_reached

_TRIES: Final = 50


class DailyUsage(Record):
    """What a key asked for in a day."""

    day: date = Field(description="In UTC.")
    jobs: int = 0
    bytes: int = Field(0, description="Uploaded with these jobs.")

    def plus(self, jobs: int, size: int) -> "DailyUsage":
        """The same day with more, or less."""
        return DailyUsage(
            day=self.day, jobs=max(0, self.jobs + jobs), bytes=max(0, self.bytes + size)
        )


@dataclass(slots=True)
class _Wish:
    """One job to be counted.

    Attributes:
        key: Whose.
        jobs: 1, or -1 to take one back.
        size: Bytes, negative to take them back.
        settled: Done when it is counted or refused.
    """

    key: ApiKey
    jobs: int
    size: int
    settled: asyncio.Future[None]


class Quotas:
    """Counts. For one event loop."""

    def __init__(self, store: ObjectStore, threads: AccessExecutor) -> None:
        self._threads = threads
        self._store = store
        self._waiting: dict[str, list[_Wish]] = {}
        self._counting: dict[str, asyncio.Task[None]] = {}

    async def today(self, key: ApiKey) -> DailyUsage:
        """What a key asked for today."""
        return (await self._threads.run(self._read, key.id))[0]

    async def expect(self, key: ApiKey, size: int) -> None:
        """Raises what `charge` would, as far as one can know; counts nothing."""
        if key.limits.jobs_per_day is None and key.limits.bytes_per_day is None:
            return
        if refusal := _refusal(key, await self.today(key), size):
            raise refusal

    async def charge(self, key: ApiKey, size: int) -> None:
        """Counts a job.

        Raises:
            AccessError: It is more than the key may; nothing was counted.
            UnavailableError: It cannot be counted.
        """
        await self._settle(key, 1, size)

    async def refund(self, key: ApiKey, size: int) -> None:
        """Takes a job back."""
        await self._settle(key, -1, -size)

    async def _settle(self, key: ApiKey, jobs: int, size: int) -> None:
        settled = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key.id, []).append(_Wish(key, jobs, size, settled))
        if key.id not in self._counting:
            self._counting[key.id] = asyncio.create_task(self._count_waiting(key.id))
        await settled

    async def _count_waiting(self, owner: str) -> None:
        """Counts all wishes that wait with one write, and again those that came meanwhile."""
        try:
            while wishes := self._waiting.pop(owner, None):
                wishes = [wish for wish in wishes if not wish.settled.done()]  # who hung up
                try:
                    refusals = await self._threads.run(self._count, owner, wishes)
                except Exception as error:  # each of them is told
                    refusals = [error] * len(wishes)
                for wish, refusal in zip(wishes, refusals, strict=True):
                    if wish.settled.done():
                        continue
                    if refusal is None:
                        wish.settled.set_result(None)
                    else:
                        wish.settled.set_exception(refusal)
        finally:
            del self._counting[owner]

    def _count(self, owner: str, wishes: list[_Wish]) -> list[Exception | None]:
        """Counts wishes, in one step for everybody else; returns for each why not."""
        for _ in range(_TRIES):
            used, etag = self._read(owner)
            refusals: list[Exception | None] = []
            for wish in wishes:
                refusal = _refusal(wish.key, used, wish.size) if wish.jobs > 0 else None
                refusals.append(refusal)
                if refusal is None:
                    used = used.plus(wish.jobs, wish.size)
            if None not in refusals:
                return refusals
            try:
                self._store.put(
                    _place(owner),
                    used.model_dump_json().encode(),
                    "application/json",
                    if_match=etag,
                    if_absent=etag is None,
                )
            except ConflictError:
                continue  # another gateway was faster
            return refusals
        raise UnavailableError("Too many jobs arrive at once to be counted. Try again soon.")

    def _read(self, owner: str) -> tuple[DailyUsage, str | None]:
        today = DailyUsage(day=now().date())
        try:
            data, etag = self._store.get(_place(owner))
        except NotFoundError:
            return today, None
        used = DailyUsage.model_validate_json(data)
        # Not of a later day either: another gateway's clock may be a little ahead at midnight.
        return (used if used.day >= today.day else today), etag


def _refusal(key: ApiKey, used: DailyUsage, size: int) -> AccessError | None:
    """Why a job of this size is more than the key may; None if it is not."""
    limits = key.limits
    said = None
    if limits.jobs_per_day is not None and used.jobs + 1 > limits.jobs_per_day:
        said = f"The key {key.name!r} may start {limits.jobs_per_day} jobs a day"
    elif limits.bytes_per_day is not None and used.bytes + size > limits.bytes_per_day:
        said = (
            f"The key {key.name!r} may upload {limits.bytes_per_day / 1e9:g} GB a day, of which "
            f"{max(0, limits.bytes_per_day - used.bytes) / 1e9:.3g} GB are left"
        )
    if said is None:
        return None
    midnight = datetime.combine(used.day + timedelta(days=1), time(), UTC)
    message = f"{said}. Go on after midnight UTC, or ask whoever runs this for more."
    return limit_reached(message, "quota_exceeded", (midnight - now()).total_seconds())


def _place(owner: str) -> str:
    return f"usage/{owner}.json"
