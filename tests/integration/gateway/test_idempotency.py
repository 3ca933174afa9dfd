"""A request that is repeated with its Idempotency-Key creates no second job."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest

from poseway.client import Client
from poseway.errors import ConflictError, InvalidRequestError
from poseway.jobs import JobState, Keys, new_job_id, now
from poseway.local.probes import is_ready
from poseway.local.stack import Stack
from poseway_gateway.api.uploads import idempotency
from poseway_gateway.api.uploads.idempotency import IdempotencyStore, fingerprint
from tests.support.videos import make_video
from tests.support.waiting import until

VIDEO = make_video(2)


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        yield client


@pytest.fixture
def key() -> str:
    return f'../jobs/{new_job_id()} ?"%'  # any characters that HTTP permits


def post(http: httpx.Client, key: str, **options: str) -> httpx.Response:
    return http.post(
        "/v1/jobs",
        data=options,
        files={"video": ("clip.mp4", VIDEO)},
        headers={"Idempotency-Key": key},
    )


def test_repeated_request_returns_the_same_job(http: httpx.Client, stack: Stack, key: str) -> None:
    # Jobs of other tests may still be running, so their uploads may appear and disappear.
    before = {item.key for item in stack.store.walk("uploads/")}
    first, second = post(http, key), post(http, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    uploads = {item.key for item in stack.store.walk("uploads/")}
    assert uploads - before <= {Keys(first.json()["id"]).upload}


def test_other_request_with_the_same_key_is_refused(http: httpx.Client, key: str) -> None:
    assert post(http, key).status_code == 201
    other = post(http, key, trails="true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_refused_request_may_be_corrected_with_its_key(http: httpx.Client, key: str) -> None:
    assert post(http, key, crf="99").status_code == 422
    assert post(http, key, crf="30").status_code == 201


def test_concurrent_repetitions_create_one_job(http: httpx.Client, key: str) -> None:
    barrier = threading.Barrier(6)

    def send(_: int) -> httpx.Response:
        barrier.wait()
        return post(http, key)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    made = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert made
    assert len(set(made)) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert answer.json()["code"] == "idempotency_in_progress"
            assert answer.headers["retry-after"]


@contextmanager
def hanging_queue(stack: Stack) -> Iterator[None]:
    queue = stack.pid("queue")
    os.kill(queue, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(queue, signal.SIGCONT)
        until(lambda: is_ready(stack.gateway_url))


def job_ids(http: httpx.Client) -> set[str]:
    return {job["id"] for job in http.get("/v1/jobs?limit=100").json()["jobs"]}


def test_job_reported_to_a_repetition_survives_failure_of_the_first_request(
    http: httpx.Client, client: Client, stack: Stack, key: str
) -> None:
    before = job_ids(http)
    with ThreadPoolExecutor(2) as pool:
        with hanging_queue(stack):
            first = pool.submit(post, http, key)
            until(lambda: job_ids(http) - before)  # the first request waits for the queue
            time.sleep(1)
            second = pool.submit(post, http, key)
            assert first.result().status_code == 503
        told = second.result()
    assert (told.status_code, told.headers["idempotency-replayed"]) == (201, "true")
    assert client.wait(told.json()["id"]).state is JobState.SUCCEEDED


def test_unqueued_job_without_a_key_leaves_nothing(http: httpx.Client, stack: Stack) -> None:
    def stored() -> set[str]:
        # Ids only: jobs of other tests may still be writing.
        walked = (stack.store.walk(prefix) for prefix in ("jobs/", "uploads/"))
        return {item.key.split("/")[1] for items in walked for item in items}

    before = stored()
    with hanging_queue(stack):
        answer = http.post("/v1/jobs", files={"video": ("clip.mp4", VIDEO)})
        assert answer.status_code == 503
        # Earlier uploads are being processed and may disappear meanwhile.
        assert stored() <= before


def test_multipart_upload_is_begun_once(http: httpx.Client, key: str) -> None:
    def begin(size: int) -> httpx.Response:
        wish = {"name": "a.mp4", "size": size}
        return http.post("/v1/uploads", json=wish, headers={"Idempotency-Key": key})

    first, second = begin(100), begin(100)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert begin(101).json()["code"] == "idempotency_key_reused"
    http.delete(first.json()["links"]["self"])
    anew = begin(100)
    assert anew.status_code == 201
    assert anew.json()["id"] != first.json()["id"]
    http.delete(anew.json()["links"]["self"])


def test_abandoned_claim_is_taken_over(
    stack: Stack, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, asked = IdempotencyStore(stack.store), fingerprint("a", 1)
    dead, alive = new_job_id(), new_job_id()

    def nothing_came_of_it(_: str) -> bool:
        return False

    assert memory.claim("me", key, dead, asked, nothing_came_of_it) == dead
    with pytest.raises(ConflictError):
        memory.claim("me", key, alive, asked, nothing_came_of_it)
    with pytest.raises(InvalidRequestError):
        memory.claim("me", key, alive, fingerprint("b", 1), nothing_came_of_it)
    assert memory.claim("you", key, alive, asked, nothing_came_of_it) == alive

    later = now() + timedelta(minutes=2)
    monkeypatch.setattr(idempotency, "now", lambda: later)
    assert memory.claim("me", key, alive, asked, nothing_came_of_it) == alive
    next_day = now() + timedelta(hours=25)
    monkeypatch.setattr(idempotency, "now", lambda: next_day)
    assert memory.claim("me", key, dead, fingerprint("b", 1), lambda _: True) == dead
    memory.forget("me", key)
    memory.forget("you", key)
