"""A client of the gateway's HTTP API."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Self, cast

import httpx

from poseway.errors import PosewayError, UnavailableError
from poseway.jobs import Job
from poseway.manifest import Manifest

_PATIENCE_SECONDS: Final = 60.0
_AWAY: Final = (502, 503, 504)


class Client:
    """Talks to one gateway. Every method raises `PosewayError` with the gateway's own words.

    `UnavailableError` among these means that the gateway cannot be reached.
    """

    def __init__(self, url: str) -> None:
        """Connects when first used.

        Args:
            url: Address of the gateway, for example ``http://127.0.0.1:8080``.
        """
        # Without a read timeout: an upload is answered when it is stored, an event when there is
        # one. The gateway sends a comment through idle event streams.
        self._http = httpx.Client(base_url=url, timeout=httpx.Timeout(60, read=None))

    def submit(
        self,
        video: Path,
        options: dict[str, str] | None = None,
        sent: Callable[[int], None] = lambda _: None,
    ) -> Job:
        """Uploads a video and queues it.

        Args:
            video: The file.
            options: Options of the job, by their names in the API.
            sent: Is told how many bytes of the file have been read so far.
        """
        with video.open("rb") as file:
            tracked = cast("BinaryIO", _Counted(file, sent))
            answer = self._send(
                "POST", "/v1/jobs", data=options or {}, files={"video": (video.name, tracked)}
            )
        return Job.model_validate_json(answer.content)

    def job(self, job_id: str) -> Job:
        """A job as it stands."""
        return Job.model_validate_json(self._send("GET", f"/v1/jobs/{job_id}").content)

    def watch(self, job_id: str) -> Iterator[Job]:
        """Follows a job until it ends; the last one yielded is finished.

        A connection that breaks is made again: the job goes on meanwhile.
        """
        failing_since: float | None = None
        while True:
            try:
                for job in self._events(job_id):
                    failing_since = None
                    yield job
                    if job.state.finished:
                        return
            except UnavailableError:
                # A job may be quiet for hours, so only the failures are timed.
                failing_since = failing_since or time.monotonic()
                if time.monotonic() - failing_since > _PATIENCE_SECONDS:
                    raise
            time.sleep(0.5)

    def cancel_or_remove(self, job_id: str) -> None:
        """Cancels a job that is not finished, or removes one that is."""
        self._send("DELETE", f"/v1/jobs/{job_id}")

    def manifest(self, job_id: str) -> Manifest:
        """What came of a job that succeeded."""
        answer = self._send("GET", f"/v1/jobs/{job_id}/manifest.json")
        return Manifest.model_validate_json(answer.content)

    def download(self, path: str, target: Path) -> None:
        """Fetches a path of the gateway into a file, which appears when it is complete."""
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        with self._stream(path) as answer, part.open("wb") as file:
            for chunk in answer.iter_bytes(1 << 20):
                file.write(chunk)
        part.replace(target)

    def close(self) -> None:
        """Lets go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _events(self, job_id: str) -> Iterator[Job]:
        with self._stream(f"/v1/jobs/{job_id}/events") as answer:
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield Job.model_validate_json(line.removeprefix("data:"))

    @contextmanager
    def _stream(self, path: str) -> Generator[httpx.Response]:
        with _translated(), self._http.stream("GET", path) as answer:
            if answer.is_error:
                answer.read()
                raise _problem(answer)
            yield answer

    def _send(
        self,
        method: str,
        path: str,
        data: dict[str, str] | None = None,
        files: dict[str, tuple[str, BinaryIO]] | None = None,
    ) -> httpx.Response:
        with _translated():
            answer = self._http.request(method, path, data=data, files=files)
        if answer.is_error:
            raise _problem(answer)
        return answer


class _Counted:
    """A file that tells how far it has been read."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        self._file = file
        self._tell = tell

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._tell(self._file.tell())
        return data

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise UnavailableError(f"The gateway cannot be reached: {error}") from error


def _problem(answer: httpx.Response) -> PosewayError:
    # The gateway itself, or a proxy in front of it, says that it is not there for the moment.
    kind = UnavailableError if answer.status_code in _AWAY else PosewayError
    try:
        body = answer.json()
        return kind(str(body["detail"]), str(body["code"]))
    except (ValueError, KeyError, TypeError):
        return kind(f"The gateway answered {answer.status_code}.", "http")
