"""What is done to get something from a gateway, step by step, whoever carries the requests.

Each function is a generator: it yields a `Request`, or seconds to wait, and is sent the answer; a
connection that fails is thrown into it as `UnavailableError`. What it returns is the result.
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
"""How long a shared result can be seen unless told otherwise."""

_POLL_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What came of the steps."""

    value: T


def advance(steps: Steps[T], outcome: httpx.Response | UnavailableError | None) -> Step | Result[T]:
    """Tells what came of the last step, None at first; returns the next, or the result."""
    try:
        if isinstance(outcome, UnavailableError):
            return steps.throw(outcome)
        return steps.send(outcome)
    except StopIteration as end:
        return Result(end.value)


def ask(request: Request) -> Steps[httpx.Response]:
    """Asks once; an answer that is no success is raised."""
    answer = yield request
    assert answer is not None  # noqa: S101 # only a pause is answered with nothing
    if answer.is_error:
        raise problem(answer)
    return answer


def insist(
    request: Request | Callable[[], Request], patience: Patience, unless: Sequence[str] = ()
) -> Steps[httpx.Response]:
    """Asks for something that may be asked for twice until there is an answer.

    Args:
        request: The request, or what makes it anew for every attempt.
        patience: How long.
        unless: Codes of errors that are returned as they are.
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
    """A job as it stands."""
    answer = yield from ask(Request("GET", f"/v1/jobs/{job_id}"))
    return Job.model_validate_json(answer.content)


def page(cursor: str, states: Sequence[JobState | str], search: str) -> Steps[JobPage]:
    """Some of the jobs, newest first."""
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
    """Cancels a job that is not finished; one that is stays as it is."""
    found = yield from job(job_id)
    if found.state.finished:
        return found
    answer = yield from ask(Request("DELETE", f"/v1/jobs/{job_id}"))
    # Nothing is sent back if it ended at that very moment, and was removed.
    return Job.model_validate_json(answer.content) if answer.content else found


def delete(job_id: str) -> Steps[None]:
    """Removes a job with its result; one that is not finished is cancelled first."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    answer = yield from ask(Request("DELETE", f"/v1/jobs/{job_id}"))
    while answer.content:  # it was not finished, and will be cancelled
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"The job {job_id} is cancelled, but nobody is there who ends it. Delete it later.",
                "still_running",
            )
        yield _POLL_SECONDS
        try:
            if (yield from job(job_id)).state.finished:
                answer = yield from ask(Request("DELETE", f"/v1/jobs/{job_id}"))
        except NotFoundError:
            return  # somebody else removed it


def manifest(job_id: str) -> Steps[Manifest]:
    """What came of a job that succeeded."""
    answer = yield from ask(Request("GET", f"/v1/jobs/{job_id}/manifest.json"))
    return Manifest.model_validate_json(answer.content)


def frames(job_id: str, start: float, end: float | None) -> Steps[Frames]:
    """Who is in the frames of a stretch of the video, as far as one answer goes."""
    params: dict[str, str | int | float | list[str]] = {"start": start}
    if end is not None:
        params["end"] = end
    answer = yield from ask(Request("GET", f"/v1/jobs/{job_id}/frames", params))
    return Frames.model_validate_json(answer.content)


def share(job_id: str, seconds: int) -> Steps[Share]:
    """A link to a result for whoever has it."""
    body = b'{"expires_in_seconds": %d}' % seconds
    asked = Request("POST", f"/v1/jobs/{job_id}/shares", headers=JSON, body=body)
    return Share.model_validate_json((yield from ask(asked)).content)


def models() -> Steps[list[Model]]:
    """The models that jobs can choose."""
    return Models.model_validate_json((yield from ask(Request("GET", "/v1/models"))).content).models


def session() -> Steps[Session]:
    """Who the gateway takes the caller for."""
    answer = yield from ask(Request("GET", "/v1/session"))
    return Session.model_validate_json(answer.content)


def ready() -> Steps[None]:
    """Nothing, if the gateway takes jobs."""
    yield from ask(Request("GET", "/readyz"))
