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
from poseway.client.uploads import Options
from poseway.client.video_source import Video
from poseway.errors import UnavailableError
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, JobState

T = TypeVar("T")


def _nothing(*_: object) -> None:
    pass


class Client:
    """A client of one gateway.

    Every method raises `PosewayError` with the gateway's message. `UnavailableError` means that the
    gateway cannot be reached, `NotFoundError` that there is no such job or file, and `RefusedError`
    that the key is missing or wrong.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Makes a client, which connects when it is first used.

        Args:
            url: Address of the gateway. None takes ``POSEWAY_URL`` from the environment, or else
                ``http://127.0.0.1:8080``.
            key: API key. None takes ``POSEWAY_API_KEY`` from the environment, or else no key.
            patience_seconds: How long to retry a failing upload, download or event stream.

        Raises:
            InvalidRequestError: `url` is not an HTTP address.
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
        """Uploads a video and queues a job for it; resumes the upload if the connection breaks.

        Args:
            video: A path, the content of the file, or a seekable file opened in binary mode.
            options: Options of the job, by their names in the API.
            sent: Called with the number of bytes sent so far and the size of the video.
            name: Name of the video; None takes its file name.
            webhook_url: URL to notify when the job ends.
            idempotency_key: A second call with the same key, video and options within a day returns
                the same job and resumes an unfinished upload. None makes a new key for each call.
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
        """Returns a job."""
        return self._run(operations.job(job_id))

    def jobs(self, *, states: Sequence[JobState | str] = (), search: str = "") -> Iterator[Job]:
        """Yields all jobs, newest first, fetching a page at a time.

        Args:
            states: Yield only jobs in one of these states; all jobs if empty.
            search: Yield only jobs whose name contains this text.
        """
        cursor: str | None = ""
        while cursor is not None:
            page = self._run(operations.page(cursor, states, search))
            yield from page.jobs
            cursor = page.next_cursor

    def watch(self, job_id: str) -> Iterator[Job]:
        """Yields a job whenever its status changes; the last one yielded is finished.

        If the connection breaks, the client reconnects. The job continues in the meantime.
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
        """Waits until a job ends, successfully or not, and returns it."""
        *_, job = self.watch(job_id)
        return job

    def cancel(self, job_id: str) -> Job:
        """Cancels a job that is not finished.

        A job that ends at the very moment of the request is removed.
        """
        return self._run(operations.cancel(job_id))

    def delete(self, job_id: str) -> None:
        """Removes a job with its result, cancelling it first if it is not finished."""
        self._run(operations.delete(job_id))

    def manifest(self, job_id: str) -> Manifest:
        """Returns the manifest of a job that succeeded."""
        return self._run(operations.manifest(job_id))

    def download(
        self, path: str, target: Path, received: Callable[[int, int | None], None] = _nothing
    ) -> None:
        """Downloads a path of the gateway into a file, which appears once it is complete.

        If the connection breaks, the download resumes.

        Args:
            path: A link of a job: ``job.links["video"]``.
            target: The file.
            received: Called with the number of bytes received so far, and the total or None if it
                is unknown.
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
        """Downloads the files of a result into a folder and returns their paths.

        Args:
            job: A job that succeeded.
            folder: The folder.
            only: Names of files (``video.mp4``) or links (``csv``), or patterns (``stills/*``);
                empty for every file in the manifest.
            also: Names of links to download besides the files in the manifest.
            told: Called with the name of each file before its download.
        """
        return self._run(downloads.fetch(job, folder, only, also, told, self._patience))

    def frames(self, job_id: str, start: float = 0, end: float | None = None) -> Iterator[Frame]:
        """Yields the frames of a result with the people in them, fetching some at a time.

        Args:
            job_id: The job.
            start: Time of the video to start at, in seconds.
            end: Time to stop at, in seconds; None for the end of the video.
        """
        at: float | None = start
        while at is not None:
            found = self._run(operations.frames(job_id, at, end))
            yield from found.frames
            at = found.next_start(end)

    def share(self, job_id: str, seconds: int = operations.SHARE_SECONDS) -> Share:
        """Makes a link that shows a result to everyone who has it, for a limited time."""
        return self._run(operations.share(job_id, seconds))

    def models(self) -> list[Model]:
        """Returns the models that a job can choose, the default first."""
        return self._run(operations.models())

    def session(self) -> Session:
        """Returns the caller as the gateway sees it, with its limits and usage."""
        return self._run(operations.session())

    def ready(self) -> None:
        """Raises `UnavailableError` unless the gateway accepts jobs."""
        self._run(operations.ready())

    def close(self) -> None:
        """Closes the connections."""
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
