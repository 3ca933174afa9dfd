"""Follows a job through a stream of server-sent events that may break off at any time."""

import httpx

from poseway.client.http import Request
from poseway.client.retry import PATIENCE_SECONDS, Patience
from poseway.errors import NotFoundError, UnavailableError
from poseway.jobs import Job

_PAUSE_SECONDS = 0.5


class Watch:
    """The state of following a job.

    Attributes:
        ended: Whether the job has ended, so that no more events will come.
        pause: Seconds to wait before reconnecting.
    """

    def __init__(
        self, job_id: str, patience_seconds: float = PATIENCE_SECONDS, *, reached: bool = False
    ) -> None:
        self.ended = False
        self.pause = _PAUSE_SECONDS
        self._job_id = job_id
        self._patience = Patience(patience_seconds, reached=reached)
        self._last_id = ""
        self._clear()

    def request(self) -> Request:
        """Makes the request for the events after the last one received."""
        headers = {"Accept": "text/event-stream"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        self.pause = _PAUSE_SECONDS
        self._clear()
        return Request("GET", f"/v1/jobs/{self._job_id}/events", headers=headers)

    def feed(self, line: str) -> Job | None:
        """Takes the next line of the stream; returns the job if the line completes an event.

        Raises:
            NotFoundError: The job was removed.
        """
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            return self._event()
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id":
            self._last_id = value
        return None

    def lost(self, error: UnavailableError) -> None:
        """Notes a lost connection; raises the error if it is time to give up."""
        self.pause = self._patience.lost(error)

    def refused(self, answer: httpx.Response) -> None:
        """Notes an error response; raises its error unless waiting helps."""
        self.pause = self._patience.refused(answer)

    def _event(self) -> Job | None:
        name, data = self._name, "\n".join(self._data)
        self._clear()
        if name == "gone":
            raise NotFoundError(f"The job {self._job_id} was removed.", "job_not_found")
        if name not in ("", "job") or not data:
            return None
        job = Job.model_validate_json(data)
        self._patience.success()
        self.ended = job.state.finished
        return job

    def _clear(self) -> None:
        self._name = ""
        self._data: list[str] = []
