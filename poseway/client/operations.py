"""The operations of the API as generators that do no input or output themselves.

Each yields a `Request`, or seconds to wait, and is sent the response. A failed connection is thrown
into it as `UnavailableError`. Its return value is the result of the operation.
"""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import httpx

from poseway.client.http import Request, problem
from poseway.client.responses import Frames, JobPage, Model, Models, Session, Share
from poseway.client.retry import PATIENCE_SECONDS, Patience
from poseway.errors import NotFoundError, UnavailableError
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, JobState

T = TypeVar("T")
Step = Request | float
Steps = Generator[Step, httpx.Response | None, T]

JSON: Final = {"Content-Type": "application/json"}
SHARE_SECONDS: Final = 7 * 86_400
"""Default lifetime of a share link."""

_POLL_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """The result of an operation."""

    value: T


def advance(steps: Steps[T], outcome: httpx.Response | UnavailableError | None) -> Step | Result[T]:
    """Passes the outcome of the last step, None at first; returns the next step or the result."""
    try:
        if isinstance(outcome, UnavailableError):
            return steps.throw(outcome)
        return steps.send(outcome)
    except StopIteration as end:
        return Result(end.value)


def ask(request: Request) -> Steps[httpx.Response]:
    """Sends a request once; raises the error of an error response."""
    answer = yield request
    assert answer is not None  # noqa: S101 # only a pause has no response
    if answer.is_error:
        raise problem(answer)
    return answer


def insist(
    request: Request | Callable[[], Request], patience: Patience, unless: Sequence[str] = ()
) -> Steps[httpx.Response]:
    """Sends a request that may safely be repeated, until there is a response.

    Args:
        request: The request, or a function that makes one for each attempt.
        patience: Decides when to give up.
        unless: Codes of errors to return rather than raise or retry.
    """
    while True:
        try:
            answer = yield request() if callable(request) else request
        except UnavailableError as error:
            yield patience.lost(error)
            continue
        assert answer is not None  # noqa: S101
        if not answer.is_error:
            patience.success()
            return answer
        if problem(answer).code in unless:
            return answer
        yield patience.refused(answer)


def job(job_id: str) -> Steps[Job]:
    """Gets a job."""
    answer = yield from ask(Request("GET", f"/v1/jobs/{job_id}"))
    return Job.model_validate_json(answer.content)


def page(cursor: str, states: Sequence[JobState | str], search: str) -> Steps[JobPage]:
    """Gets a page of jobs, newest first."""
    params: dict[str, str | int | float | list[str]] = {"limit": 100}
    if cursor:
        params["cursor"] = cursor
    if states:
        params["state"] = [str(state) for state in states]
    if search:
        params["q"] = search
    answer = yield from ask(Request("GET", "/v1/jobs", params))
    return JobPage.model_validate_json(answer.content)


def cancel(job_id: str) -> Steps[Job]:
    """Cancels a job that is not finished."""
    found = yield from job(job_id)
    if found.state.finished:
        return found
    answer = yield from ask(Request("DELETE", f"/v1/jobs/{job_id}"))
    # The response is empty if the job ended at that very moment and was removed.
    return Job.model_validate_json(answer.content) if answer.content else found


def delete(job_id: str) -> Steps[None]:
    """Removes a job with its result, cancelling it first if it is not finished."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    answer = yield from ask(Request("DELETE", f"/v1/jobs/{job_id}"))
    while answer.content:  # the job was not finished and is being cancelled
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"The job {job_id} was cancelled, but no dispatcher ends it. Delete it later.",
                "still_running",
            )
        yield _POLL_SECONDS
        try:
            if (yield from job(job_id)).state.finished:
                answer = yield from ask(Request("DELETE", f"/v1/jobs/{job_id}"))
        except NotFoundError:
            return  # another caller removed it


def manifest(job_id: str) -> Steps[Manifest]:
    """Gets the manifest of a job that succeeded."""
    answer = yield from ask(Request("GET", f"/v1/jobs/{job_id}/manifest.json"))
    return Manifest.model_validate_json(answer.content)


def frames(job_id: str, start: float, end: float | None) -> Steps[Frames]:
    """Gets the frames of a part of the video, as many as fit into one response."""
    params: dict[str, str | int | float | list[str]] = {"start": start}
    if end is not None:
        params["end"] = end
    answer = yield from ask(Request("GET", f"/v1/jobs/{job_id}/frames", params))
    return Frames.model_validate_json(answer.content)


def share(job_id: str, seconds: int) -> Steps[Share]:
    """Makes a share link to a result."""
    body = b'{"expires_in_seconds": %d}' % seconds
    asked = Request("POST", f"/v1/jobs/{job_id}/shares", headers=JSON, body=body)
    return Share.model_validate_json((yield from ask(asked)).content)


def models() -> Steps[list[Model]]:
    """Gets the models that a job can choose."""
    return Models.model_validate_json((yield from ask(Request("GET", "/v1/models"))).content).models


def session() -> Steps[Session]:
    """Gets the caller as the gateway sees it."""
    answer = yield from ask(Request("GET", "/v1/session"))
    return Session.model_validate_json(answer.content)


def ready() -> Steps[None]:
    """Checks that the gateway accepts jobs."""
    yield from ask(Request("GET", "/readyz"))
