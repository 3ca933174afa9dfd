"""Rate limits and quotas of API keys."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from poseway.api_keys import ApiKey, ApiKeys, Limits
from poseway.jobs import now
from poseway.local.stack import Stack
from poseway_gateway.api.access.quotas import Quotas
from poseway_gateway.api.access.thread_pool import AccessExecutor
from poseway_gateway.api.errors import AccessError
from tests.support.gateways import KEYS, assert_problem, gateway, submit, user
from tests.system.upgrade.records import change


@pytest.fixture(scope="module")
def keys(stack: Stack) -> ApiKeys:
    return ApiKeys(stack.store)


@pytest.fixture(scope="module")
def url(stack: Stack, keys: ApiKeys) -> Iterator[str]:
    keys.create("so that it starts")
    with gateway(stack, KEYS) as running:
        yield running


async def charge(usage: Quotas, key: ApiKey, size: int) -> bool:
    """Returns whether a job was counted."""
    try:
        await usage.charge(key, size)
    except AccessError:
        return False
    return True


def test_requests_are_limited_per_minute(url: str, keys: ApiKeys) -> None:
    _, few = keys.create("few", Limits(requests_per_minute=3))
    _, many = keys.create("many")
    with user(url, few) as client, user(url, many) as other:
        left = [client.get("/v1/models").headers["ratelimit-remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        refused = client.get("/v1/models")
        assert_problem(refused, 429, "rate_limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit-limit"] == "3"
        assert refused.headers["ratelimit-remaining"] == "0"
        assert_problem(client.get("/v1/models"), 429, "rate_limited")
        assert other.get("/v1/models").status_code == 200


def test_refusals_carry_the_rate_limit(url: str, keys: ApiKeys) -> None:
    _, few = keys.create("large", Limits(requests_per_minute=3))
    with user(url, few) as client:
        refused = client.post("/v1/session", content=bytes(100 << 10))
        assert_problem(refused, 413, "too_large")
        assert refused.headers["ratelimit-limit"] == "3"
        assert refused.headers["ratelimit-remaining"] == "2"
        assert refused.headers["ratelimit-reset"]


def test_jobs_are_limited_per_day(stack: Stack, url: str, keys: ApiKeys) -> None:
    _, whole = keys.create("two jobs", Limits(jobs_per_day=2))
    with user(url, whole) as client:
        submit(client)
        submit(client)
        uploads = {item.key for item in stack.store.walk("uploads/")}
        refused = client.post("/v1/jobs", files={"video": ("clip.mp4", b"x")})
        assert_problem(refused, 429, "quota_exceeded")
        assert 1 <= int(refused.headers["retry-after"]) <= 86_400
        assert {item.key for item in stack.store.walk("uploads/")} <= uploads
        assert client.get("/v1/session").json()["usage"]["jobs"] == 2
        assert len(client.get("/v1/jobs").json()["jobs"]) == 2


def test_bytes_are_limited_per_day(url: str, keys: ApiKeys) -> None:
    _, whole = keys.create("a kilobyte", Limits(bytes_per_day=1000))
    with user(url, whole) as client:
        submit(client, bytes(600))
        refused = client.post("/v1/jobs", files={"video": ("clip.mp4", bytes(401))})
        assert_problem(refused, 429, "quota_exceeded")
        submit(client, bytes(400))
        usage = client.get("/v1/session").json()["usage"]
        assert (usage["jobs"], usage["bytes"]) == (2, 1000)


def test_refused_jobs_are_not_counted(stack: Stack, url: str, keys: ApiKeys) -> None:
    _, whole = keys.create("mistakes", Limits(jobs_per_day=1))
    with user(url, whole) as client:
        wrong = client.post("/v1/jobs", data={"crf": "99"}, files={"video": ("a.mp4", b"x")})
        assert_problem(wrong, 422, "invalid_options")
        assert client.get("/v1/session").json()["usage"]["jobs"] == 0
        submit(client)


def begin(client: httpx.Client) -> str:
    """Begins an upload and returns its path."""
    answer = client.post("/v1/uploads", json={"name": "clip.mp4", "size": 10})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["links"]["self"])


def used(client: httpx.Client) -> tuple[int, int]:
    usage = client.get("/v1/session").json()["usage"]
    return usage["jobs"], usage["bytes"]


def test_upload_deleted_repeatedly_is_refunded_once(stack: Stack, url: str, keys: ApiKeys) -> None:
    _, whole = keys.create("throws away", Limits(jobs_per_day=9))
    with gateway(stack, KEYS) as other, user(url, whole) as client, user(other, whole) as second:
        upload = begin(client)
        begin(client)
        barrier = threading.Barrier(12)

        def delete(number: int) -> int:
            barrier.wait()
            return (client, second)[number % 2].delete(upload).status_code

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(delete, range(12)))
        assert sorted(answers) == [204, *[404] * 11]
        assert used(client) == (1, 10)


def test_upload_of_yesterday_is_not_refunded_today(stack: Stack, url: str, keys: ApiKeys) -> None:
    _, whole = keys.create("slow", Limits(jobs_per_day=9))
    with user(url, whole) as client:
        upload = begin(client)
        yesterday = (now() - timedelta(days=1)).isoformat()
        change(stack, f"pending/{upload.rpartition('/')[2]}.json", begun_at=yesterday)
        assert client.delete(upload).status_code == 204
        assert used(client) == (1, 10)


def test_counts_are_exact_across_two_gateways(stack: Stack, keys: ApiKeys) -> None:
    key, _ = keys.create("busy", Limits(jobs_per_day=150))

    async def rush() -> int:
        gateways = (Quotas(stack.store, AccessExecutor()), Quotas(stack.store, AccessExecutor()))
        wishes = [charge(gateways[number % 2], key, 10) for number in range(200)]
        counted = sum(await asyncio.gather(*wishes))
        used = await gateways[0].today(key)
        assert (used.jobs, used.bytes) == (150, 1500)
        await asyncio.gather(*(gateways[number % 2].refund(key, 10) for number in range(20)))
        used = await gateways[1].today(key)
        assert (used.jobs, used.bytes) == (130, 1300)
        return counted

    assert asyncio.run(rush()) == 150


def test_disconnected_client_delays_no_other(stack: Stack, keys: ApiKeys) -> None:
    key, _ = keys.create("hangs up")

    async def rush() -> None:
        usage = Quotas(stack.store, AccessExecutor())
        tasks = [asyncio.create_task(usage.charge(key, 1)) for _ in range(10)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        told = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(told[0], asyncio.CancelledError)
        assert told[1:] == [None] * 9
        assert (await usage.today(key)).jobs in (9, 10)

    asyncio.run(rush())


def test_usage_restarts_each_day(stack: Stack, keys: ApiKeys) -> None:
    key, _ = keys.create("yesterday", Limits(jobs_per_day=1))
    place = f"usage/{key.id}.json"

    def write(days: int) -> None:
        day = (now() + timedelta(days=days)).date()
        data = f'{{"day": "{day}", "jobs": 1, "bytes": 5}}'
        stack.store.put(place, data.encode(), "application/json")

    write(-1)
    assert asyncio.run(charge(Quotas(stack.store, AccessExecutor()), key, 5))
    assert not asyncio.run(charge(Quotas(stack.store, AccessExecutor()), key, 5))
    # The clock of another gateway is ahead: its next day has begun.
    write(1)
    assert not asyncio.run(charge(Quotas(stack.store, AccessExecutor()), key, 5))
