"""Daily quotas of API keys, counted in the bucket, so that they are exact across gateways."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from pydantic import Field

from poseway.api_keys import ApiKey
from poseway.errors import ConflictError, NotFoundError, UnavailableError
from poseway.jobs import Record, now
from poseway.storage import ObjectStore
from poseway_gateway.api.access.thread_pool import AccessExecutor
from poseway_gateway.api.errors import AccessError, limit_reached

_ATTEMPTS: Final = 50


class DailyUsage(Record):
    """Usage of a key on one day."""

    day: date = Field(description="Date in UTC.")
    jobs: int = Field(0, description="Jobs that were started.")
    bytes: int = Field(0, description="Bytes that were uploaded for these jobs.")

    def plus(self, jobs: int, size: int) -> "DailyUsage":
        """Returns the usage with jobs and bytes added; negative numbers are subtracted."""
        return DailyUsage(
            day=self.day, jobs=max(0, self.jobs + jobs), bytes=max(0, self.bytes + size)
        )


@dataclass(slots=True)
class _Charge:
    """A job to count.

    Attributes:
        key: The API key.
        jobs: 1, or -1 for a refund.
        size: Size of the upload in bytes; negative for a refund.
        settled: Completes when the job was counted or rejected.
    """

    key: ApiKey
    jobs: int
    size: int
    settled: asyncio.Future[None]


class Quotas:
    """Counts jobs and bytes per key. For one event loop."""

    def __init__(self, store: ObjectStore, threads: AccessExecutor) -> None:
        self._threads = threads
        self._store = store
        self._waiting: dict[str, list[_Charge]] = {}
        self._counting: dict[str, asyncio.Task[None]] = {}

    async def today(self, key: ApiKey) -> DailyUsage:
        """Returns today's usage of a key."""
        return (await self._threads.run(self._read, key.id))[0]

    async def expect(self, key: ApiKey, size: int) -> None:
        """Raises what `charge` would raise for the usage so far, without counting.

        Raises:
            AccessError: The job would exceed the quota.
        """
        if key.limits.jobs_per_day is None and key.limits.bytes_per_day is None:
            return
        if refusal := _refusal(key, await self.today(key), size):
            raise refusal

    async def charge(self, key: ApiKey, size: int) -> None:
        """Counts a job.

        Raises:
            AccessError: The job exceeds the quota and was not counted.
            UnavailableError: Too many jobs are being counted at once.
        """
        await self._settle(key, 1, size)

    async def refund(self, key: ApiKey, size: int) -> None:
        """Undoes `charge`."""
        await self._settle(key, -1, -size)

    async def _settle(self, key: ApiKey, jobs: int, size: int) -> None:
        settled = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key.id, []).append(_Charge(key, jobs, size, settled))
        if key.id not in self._counting:
            self._counting[key.id] = asyncio.create_task(self._count_waiting(key.id))
        await settled

    async def _count_waiting(self, owner: str) -> None:
        """Counts all waiting charges with one write, and repeats while more arrive."""
        try:
            while charges := self._waiting.pop(owner, None):
                # Without those of clients that disconnected.
                charges = [charge for charge in charges if not charge.settled.done()]
                try:
                    refusals = await self._threads.run(self._count, owner, charges)
                except Exception as error:  # passed to each caller
                    refusals = [error] * len(charges)
                for charge, refusal in zip(charges, refusals, strict=True):
                    if charge.settled.done():
                        continue
                    if refusal is None:
                        charge.settled.set_result(None)
                    else:
                        charge.settled.set_exception(refusal)
        finally:
            del self._counting[owner]

    def _count(self, owner: str, charges: list[_Charge]) -> list[Exception | None]:
        """Counts charges atomically; returns the error of each, None for those counted."""
        for _ in range(_ATTEMPTS):
            used, etag = self._read(owner)
            refusals: list[Exception | None] = []
            for charge in charges:
                refusal = _refusal(charge.key, used, charge.size) if charge.jobs > 0 else None
                refusals.append(refusal)
                if refusal is None:
                    used = used.plus(charge.jobs, charge.size)
            if None not in refusals:
                return refusals
            try:
                self._store.put(
                    _key_of(owner),
                    used.model_dump_json().encode(),
                    "application/json",
                    if_match=etag,
                    if_absent=etag is None,
                )
            except ConflictError:
                continue  # another gateway wrote first
            return refusals
        raise UnavailableError("Too many jobs are being started at once. Try again soon.")

    def _read(self, owner: str) -> tuple[DailyUsage, str | None]:
        today = DailyUsage(day=now().date())
        try:
            data, etag = self._store.get(_key_of(owner))
        except NotFoundError:
            return today, None
        used = DailyUsage.model_validate_json(data)
        # A later day counts as today: another gateway's clock may be slightly ahead at midnight.
        return (used if used.day >= today.day else today), etag


def _refusal(key: ApiKey, used: DailyUsage, size: int) -> AccessError | None:
    """Returns the error for a job of this size that exceeds the quota; None if it fits."""
    limits = key.limits
    reason = None
    if limits.jobs_per_day is not None and used.jobs + 1 > limits.jobs_per_day:
        reason = f"The key {key.name!r} may start {limits.jobs_per_day} jobs per day"
    elif limits.bytes_per_day is not None and used.bytes + size > limits.bytes_per_day:
        reason = (
            f"The key {key.name!r} may upload {limits.bytes_per_day / 1e9:g} GB per day, of which "
            f"{max(0, limits.bytes_per_day - used.bytes) / 1e9:.3g} GB are left"
        )
    if reason is None:
        return None
    midnight = datetime.combine(used.day + timedelta(days=1), time(), UTC)
    message = f"{reason}. Continue after midnight UTC, or ask the operator for a higher quota."
    return limit_reached(message, "quota_exceeded", (midnight - now()).total_seconds())


def _key_of(owner: str) -> str:
    return f"usage/{owner}.json"
