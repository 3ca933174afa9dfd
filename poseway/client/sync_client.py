"""The client for programs that wait."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self, TypeVar

import httpx

from poseway.client import downloads, operations, uploads
from poseway.client.events import Watch
from poseway.client.http import TIMEOUT, Address, Request, lost
from poseway.client.responses import Frame, Model, Session, Share
from poseway.client.retry import PATIENCE_SECONDS
from poseway.client.source import Video
from poseway.client.uploads import Options
from poseway.errors import UnavailableError
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, JobState

T = TypeVar("T")


def _nothing(*_: object) -> None:
    pass


class Client:
    """Talks to one gateway. Every method raises `PosewayError` with the gateway's own words.

    Among these, `UnavailableError` means that the gateway cannot be reached, `NotFoundError` that
    there is no such job or file, and `RefusedError` that the key is missing or wrong.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Connects when first used.

        Args:
            url: Address of the gateway; None takes ``POSEWAY_URL`` of the environment, or else
                ``http://127.0.0.1:8080``.
            key: API key; None takes ``POSEWAY_API_KEY``, or none at all.
            patience_seconds: How long uploads, downloads and watching go on against failures.

        Raises:
            InvalidRequestError: The address is none.
        """
        self._address = Address.given(url, key)
        self._patience = patience_seconds
        self._reached = False
        self._http = httpx.Client(base_url=self._address.url, timeout=TIMEOUT)

    @property
    def url(self) -> str:
        """Address of the gateway."""
        return self._address.url

    def submit(
        self,
        video: Video,
        options: Options | None = None,
        sent: Callable[[int, int], None] = _nothing,
        *,
        name: str | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Uploads a video and queues it; goes on where it was when the connection breaks.

        Args:
            video: A path, the file's bytes, or a seekable file opened for reading bytes.
            options: Options of the job, by their names in the API.
            sent: Is told how many bytes of the video are on their way, and of how many.
            name: What the video is called; its file name unless given.
            webhook_url: Is told when the job ends.
            idempotency_key: The same key again, within a day and for the same video and options,
                gives the same job, and goes on with an upload that was left; else a new one is
                made up for every call.
        """
        return self._run(
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

    def job(self, job_id: str) -> Job:
        """A job as it stands."""
        return self._run(operations.job(job_id))

    def jobs(self, *, states: Sequence[JobState | str] = (), search: str = "") -> Iterator[Job]:
        """All jobs, newest first, fetched a page at a time.

        Args:
            states: Only jobs in these.
            search: Only jobs whose name has this in it.
        """
        cursor: str | None = ""
        while cursor is not None:
            page = self._run(operations.page(cursor, states, search))
            yield from page.jobs
            cursor = page.next_cursor

    def watch(self, job_id: str) -> Iterator[Job]:
        """Follows a job until it ends; the last one yielded is finished.

        A connection that breaks is made again: the job goes on meanwhile.
        """
        watch = Watch(job_id, self._patience, reached=self._reached)
        while True:
            try:
                with self._open(watch.request()) as answer:
                    if answer.is_error:
                        answer.read()
                        watch.refused(answer)
                    else:
                        for line in answer.iter_lines():
                            if job := watch.feed(line):
                                yield job
            except httpx.TransportError as error:
                watch.lost(lost(self.url, error))
            if watch.ended:
                return
            time.sleep(watch.pause)

    def wait(self, job_id: str) -> Job:
        """The job when it has ended, however it did."""
        *_, job = self.watch(job_id)
        return job

    def cancel(self, job_id: str) -> Job:
        """Cancels a job; one that is finished stays as it is.

        One that ends in just that moment is removed.
        """
        return self._run(operations.cancel(job_id))

    def delete(self, job_id: str) -> None:
        """Removes a job with its result; one that is not finished is cancelled first."""
        self._run(operations.delete(job_id))

    def manifest(self, job_id: str) -> Manifest:
        """What came of a job that succeeded."""
        return self._run(operations.manifest(job_id))

    def download(
        self, path: str, target: Path, received: Callable[[int, int | None], None] = _nothing
    ) -> None:
        """Fetches a path of the gateway into a file, which appears when it is complete.

        When the connection breaks, the rest is fetched.

        Args:
            path: A link of a job: ``job.links["video"]``.
            target: The file.
            received: Is told how many bytes are there, and of how many if that is known.
        """
        self._run(downloads.download(path, target, received, self._patience))

    def fetch(
        self,
        job: Job,
        folder: Path,
        *,
        only: Sequence[str] = (),
        also: Sequence[str] = (),
        told: Callable[[str], None] = _nothing,
    ) -> list[Path]:
        """Fetches the files of a result into a folder; returns their paths.

        Args:
            job: A job that succeeded.
            folder: Where they go.
            only: Names of files (``video.mp4``), of links (``csv``), or patterns
                (``stills/*``); empty for all that the manifest lists.
            also: Names of links whose files are wanted besides all that the manifest lists.
            told: Is told the name of each file before it is fetched.
        """
        return self._run(downloads.fetch(job, folder, only, also, told, self._patience))

    def frames(self, job_id: str, start: float = 0, end: float | None = None) -> Iterator[Frame]:
        """Who is in the frames of a result, fetched a stretch at a time.

        Args:
            job_id: The job.
            start: Second of the video to begin at.
            end: Second to end at; None for all the rest.
        """
        at: float | None = start
        while at is not None:
            found = self._run(operations.frames(job_id, at, end))
            yield from found.frames
            at = found.goes_on(end)

    def share(self, job_id: str, seconds: int = operations.SHARE_SECONDS) -> Share:
        """A link to a result for whoever has it, for a while."""
        return self._run(operations.share(job_id, seconds))

    def models(self) -> list[Model]:
        """The models that jobs can choose, the default first."""
        return self._run(operations.models())

    def session(self) -> Session:
        """Who the gateway takes this client for."""
        return self._run(operations.session())

    def ready(self) -> None:
        """Raises unless the gateway takes jobs."""
        self._run(operations.ready())

    def close(self) -> None:
        """Lets go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, doing: operations.Steps[T]) -> T:
        outcome: httpx.Response | UnavailableError | None = None
        while not isinstance(step := operations.advance(doing, outcome), operations.Result):
            outcome = self._do(step)
        return step.value

    def _do(self, step: operations.Step) -> httpx.Response | UnavailableError | None:
        if not isinstance(step, Request):
            time.sleep(step)
            return None
        try:
            with self._open(step) as answer:
                self._reached = True
                if step.sink is None or answer.is_error:
                    answer.read()
                    return answer
                step.sink.begin(answer)
                for chunk in answer.iter_bytes(1 << 20):
                    step.sink.write(chunk)
                return answer
        except httpx.TransportError as error:
            return lost(self.url, error)

    def _open(self, request: Request) -> AbstractContextManager[httpx.Response]:
        return self._http.stream(
            request.method,
            request.path,
            params=request.params or None,
            headers=self._address.headers(request),
            content=request.slices() if request.body else None,
        )
