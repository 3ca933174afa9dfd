"""Lists of a thousand jobs in real storage: pages, searches and states."""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from poseway.jobs import JobOptions, JobRequest, JobState, JobStatus, Keys, now
from poseway.local.stack import Stack
from poseway_gateway.api.jobs.listing import SCANNED_AT_ONCE, JobFilter, Listing
from poseway_gateway.api.jobs.repository import JobRepository

COUNT = 1000
OWNER = "0a0a0a0a"
STATES = [JobState.SUCCEEDED] * 7 + [JobState.FAILED] * 2 + [JobState.RUNNING]


def job_id(number: int) -> str:
    """Ids in order, with different beginnings."""
    return f"{number:04x}" + hashlib.sha256(str(number).encode()).hexdigest()[:28]


def name(number: int) -> str:
    return f"Kür {number:04d} Straße.MOV"


@pytest.fixture(scope="module")
def listing(stack: Stack) -> Iterator[Listing]:
    """A thousand jobs of one owner."""
    repository = JobRepository(stack.store)

    def make(number: int) -> None:
        request = JobRequest(
            id=job_id(number),
            name=name(number),
            size=1,
            sha256="",
            created_at=now(),
            options=JobOptions(),
            owner=OWNER,
        )
        repository.add(request)
        status = JobStatus(state=STATES[number % len(STATES)])
        data = status.model_dump_json().encode()
        stack.store.put(Keys(request.id).status, data, "application/json")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(COUNT)))
    yield Listing(stack.store, repository)
    stack.store.delete_prefix(f"owners/{OWNER}/")
    records = [Keys(job_id(number)) for number in range(COUNT)]
    for keys in ([one.request for one in records], [one.status for one in records]):
        stack.store.client.delete_objects(
            Bucket=stack.store.bucket, Delete={"Objects": [{"Key": key} for key in keys]}
        )


def numbers(listing: Listing, limit: int, wanted: JobFilter) -> Iterator[list[int]]:
    """Returns the jobs of all pages."""
    after: str | None = ""
    while after is not None:
        jobs, after = listing.page(OWNER, limit, after, wanted)
        yield [int(job.id[:4], 16) for job in jobs]


def test_pages_list_every_job_once(listing: Listing) -> None:
    pages = list(numbers(listing, 99, JobFilter()))
    assert [len(page) for page in pages] == [99] * 10 + [10]
    assert [number for page in pages for number in page] == list(range(COUNT))


def test_full_last_page_ends_the_list(listing: Listing) -> None:
    assert [len(page) for page in numbers(listing, 100, JobFilter())] == [100] * 10


@pytest.mark.parametrize("text", ["strasse.mov", "KÜR 07", "0123", job_id(3)[:20], "nothing"])
def test_finds_by_name_and_id(listing: Listing, text: str) -> None:
    found = [n for page in numbers(listing, 30, JobFilter(text)) for n in page]
    folded = text.casefold()
    assert found == [
        number
        for number in range(COUNT)
        if folded in name(number).casefold() or job_id(number).startswith(folded)
    ]


def test_finds_by_state(listing: Listing) -> None:
    states = frozenset({JobState.RUNNING, JobState.FAILED})
    pages = list(numbers(listing, 50, JobFilter(states=states)))
    assert [len(page) for page in pages] == [50] * 6
    assert {number % 10 for page in pages for number in page} == {7, 8, 9}


def test_search_examines_a_bounded_number_of_jobs(listing: Listing) -> None:
    jobs, after = listing.page(OWNER, 10, "", JobFilter(f"{COUNT - 1:04d}"))
    assert [job.name for job in jobs] == [name(COUNT - 1)]
    assert after is None
    assert SCANNED_AT_ONCE >= COUNT


def test_only_finished_jobs_are_cached(listing: Listing, stack: Stack) -> None:
    began = time.monotonic()
    assert sum(map(len, numbers(listing, 100, JobFilter()))) == COUNT
    first = time.monotonic() - began
    began = time.monotonic()
    assert sum(map(len, numbers(listing, 100, JobFilter()))) == COUNT
    assert time.monotonic() - began < max(first, 5)
    runs = job_id(9)
    data = JobStatus(state=JobState.SUCCEEDED).model_dump_json().encode()
    stack.store.put(Keys(runs).status, data, "application/json")
    jobs, _ = listing.page(OWNER, 1, job_id(8), JobFilter())
    assert [(job.id, job.state) for job in jobs] == [(runs, JobState.SUCCEEDED)]
    running = JobStatus(state=JobState.RUNNING).model_dump_json().encode()
    stack.store.put(Keys(runs).status, running, "application/json")
    listing.forget(runs)


def test_list_route(stack: Stack) -> None:
    def ask(query: dict[str, str | list[str]]) -> list[str]:
        """Returns the ids of all matches; jobs of other tests may fill the first pages."""
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = http.get("/v1/jobs", params={**query, "cursor": cursor, "limit": 100})
            assert answer.status_code == 200, answer.text
            found += [job["id"] for job in answer.json()["jobs"]]
            cursor = answer.json()["next_cursor"]
        return found

    queries: list[dict[str, str | list[str]]]

    with httpx.Client(base_url=stack.gateway_url, timeout=60) as http:
        files = {"video": ("Wälzer 99.mp4", b"no video")}
        made = http.post("/v1/jobs", files=files).json()
        while http.get(f"/v1/jobs/{made['id']}").json()["state"] != "failed":
            time.sleep(0.1)
        job = http.get(f"/v1/jobs/{made['id']}")
        again = {"If-None-Match": job.headers["etag"]}
        assert http.get(f"/v1/jobs/{made['id']}", headers=again).status_code == 304
        queries = [{"q": "wälzer"}, {"q": made["id"][:20]}, {"state": ["failed", "queued"]}]
        for query in queries:
            assert made["id"] in ask(query), query
        queries = [{"q": "walzer"}, {"state": "running"}, {"q": "wälzer", "state": "queued"}]
        for query in queries:
            assert made["id"] not in ask(query), query
        assert http.get("/v1/jobs", params={"state": "asleep"}).status_code == 422
        http.delete(f"/v1/jobs/{made['id']}")
        assert made["id"] not in ask({})
