"""The client for programs on asyncio."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Self, TypeVar

import httpx

from poseway.client import downloads, operations, uploads
from poseway.client.events import Watch
from poseway.client.http import TIMEOUT, Address, Request, lost
from poseway.client.responses import Frame, Model, Session, Share
from poseway.client.retry import PATIENCE_SECONDS
from poseway.client.uploads import Options
from poseway.client.video_source import Video
from poseway.errors import UnavailableError
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, JobState

T = TypeVar("T")


def _nothing(*_: object) -> None:
    pass


class AsyncClient:
    """`Client` for asyncio, with the same methods and arguments.

    `jobs`, `watch` and `frames` are asynchronous iterators.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """See `Client`."""
        self._address = Address.given(url, key)
        self._patience = patience_seconds
        self._reached = False
        self._http = httpx.AsyncClient(base_url=self._address.url, timeout=TIMEOUT)

    @property
    def url(self) -> str:
        """Address of the gateway."""
        return self._address.url

    async def submit(
        self,
        video: Video,
        options: Options | None = None,
        sent: Callable[[int, int], None] = _nothing,
        *,
        name: str | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """See `Client.submit`."""
        return await self._run(
            uploads.submit(
                video,
                options,
                sent,
                name=name,
                webhook_url=webhook_url,
                idempotency_key=idempotency_key,
                patience_seconds=self._patience,
            )
        )

    async def job(self, job_id: str) -> Job:
        """See `Client.job`."""
        return await self._run(operations.job(job_id))

    async def jobs(
        self, *, states: Sequence[JobState | str] = (), search: str = ""
    ) -> AsyncIterator[Job]:
        """See `Client.jobs`."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self._run(operations.page(cursor, states, search))
            for job in page.jobs:
                yield job
            cursor = page.next_cursor

    async def watch(self, job_id: str) -> AsyncIterator[Job]:
        """See `Client.watch`."""
        watch = Watch(job_id, self._patience, reached=self._reached)
        while True:
            try:
                async with self._open(watch.request()) as answer:
                    if answer.is_error:
                        await answer.aread()
                        watch.refused(answer)
                    else:
                        async for line in answer.aiter_lines():
                            if job := watch.feed(line):
                                yield job
            except httpx.TransportError as error:
                watch.lost(lost(self.url, error))
            if watch.ended:
                return
            await asyncio.sleep(watch.pause)

    async def wait(self, job_id: str) -> Job:
        """See `Client.wait`."""
        return [job async for job in self.watch(job_id)][-1]

    async def cancel(self, job_id: str) -> Job:
        """See `Client.cancel`."""
        return await self._run(operations.cancel(job_id))

    async def delete(self, job_id: str) -> None:
        """See `Client.delete`."""
        await self._run(operations.delete(job_id))

    async def manifest(self, job_id: str) -> Manifest:
        """See `Client.manifest`."""
        return await self._run(operations.manifest(job_id))

    async def download(
        self, path: str, target: Path, received: Callable[[int, int | None], None] = _nothing
    ) -> None:
        """See `Client.download`."""
        await self._run(downloads.download(path, target, received, self._patience))

    async def fetch(
        self,
        job: Job,
        folder: Path,
        *,
        only: Sequence[str] = (),
        also: Sequence[str] = (),
        told: Callable[[str], None] = _nothing,
    ) -> list[Path]:
        """See `Client.fetch`."""
        return await self._run(downloads.fetch(job, folder, only, also, told, self._patience))

    async def frames(
        self, job_id: str, start: float = 0, end: float | None = None
    ) -> AsyncIterator[Frame]:
        """See `Client.frames`."""
        at: float | None = start
        while at is not None:
            found = await self._run(operations.frames(job_id, at, end))
            for frame in found.frames:
                yield frame
            at = found.next_start(end)

    async def share(self, job_id: str, seconds: int = operations.SHARE_SECONDS) -> Share:
        """See `Client.share`."""
        return await self._run(operations.share(job_id, seconds))

    async def models(self) -> list[Model]:
        """See `Client.models`."""
        return await self._run(operations.models())

    async def session(self) -> Session:
        """See `Client.session`."""
        return await self._run(operations.session())

    async def ready(self) -> None:
        """See `Client.ready`."""
        await self._run(operations.ready())

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, doing: operations.Steps[T]) -> T:
        outcome: httpx.Response | UnavailableError | None = None
        # The steps read and write files, which would block the event loop.
        while not isinstance(
            step := await asyncio.to_thread(operations.advance, doing, outcome), operations.Result
        ):
            outcome = await self._do(step)
        return step.value

    async def _do(self, step: operations.Step) -> httpx.Response | UnavailableError | None:
        if not isinstance(step, Request):
            await asyncio.sleep(step)
            return None
        try:
            async with self._open(step) as answer:
                self._reached = True
                if step.sink is None or answer.is_error:
                    await answer.aread()
                    return answer
                step.sink.begin(answer)
                async for chunk in answer.aiter_bytes(1 << 20):
                    await asyncio.to_thread(step.sink.write, chunk)
                return answer
        except httpx.TransportError as error:
            return lost(self.url, error)

    def _open(self, request: Request) -> AbstractAsyncContextManager[httpx.Response]:
        return self._http.stream(
            request.method,
            request.path,
            params=request.params or None,
            headers=self._address.headers(request),
            content=_slices(request) if request.body else None,
        )


async def _slices(request: Request) -> AsyncIterator[bytes]:
    for piece in request.slices():
        yield piece
