"""Webhooks from the running system to a receiver of the test."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from poseway.client import Client
from poseway.jobs import JobOptions, JobRequest, Keys, new_job_id, now
from poseway.local.stack import Stack
from poseway.paths import ROOT
from poseway_gateway.api.jobs.repository import JobRepository
from poseway_gateway.api.webhooks import payload
from tests.integration.gateway.test_all_events import connected
from tests.support.webhook_receiver import Receiver, listening


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as server:
        yield server


@pytest.fixture
def secret(stack: Stack) -> str:
    found: str = httpx.get(f"{stack.gateway_url}/v1/session", timeout=30).json()["webhook_secret"]
    return found


def submit(stack: Stack, url: str) -> str:
    """A job that fails at once."""
    with httpx.Client(base_url=stack.gateway_url, timeout=30) as http:
        files = {"video": ("a.mp4", b"no video")}
        answer = http.post("/v1/jobs", files=files, data={"webhook_url": url})
        assert answer.status_code == 201, answer.text
        job_id: str = answer.json()["id"]
    return job_id


def test_end_of_a_job_sends_a_signed_webhook(stack: Stack, receiver: Receiver, secret: str) -> None:
    job_id = submit(stack, f"{receiver.url}/hook?a=b")
    path, headers, body = receiver.received.get(timeout=60)
    assert path == "/hook?a=b"
    assert headers["host"] == receiver.url.removeprefix("http://")
    assert headers["webhook-id"] == job_id
    message = Webhook(secret).verify(body, headers)
    assert message["type"] == "job.failed"
    assert message["data"]["id"] == job_id
    with Client(stack.gateway_url) as client:
        assert message["data"] == client.job(job_id).model_dump(mode="json")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"failed", b"worked"), headers)


def test_failed_webhook_is_retried(stack: Stack, receiver: Receiver, secret: str) -> None:
    receiver.answers = [500]
    submit(stack, receiver.url)
    _, first, _ = receiver.received.get(timeout=60)
    began = time.monotonic()
    _, again, body = receiver.received.get(timeout=60)
    assert time.monotonic() - began > 4
    assert first["webhook-id"] == again["webhook-id"]
    Webhook(secret).verify(body, again)


def test_cancelled_job_sends_a_webhook(stack: Stack, receiver: Receiver, sample: Path) -> None:
    with httpx.Client(base_url=stack.gateway_url, timeout=30) as http:
        files = {"video": ("a.mp4", sample.read_bytes())}
        job = http.post("/v1/jobs", files=files, data={"webhook_url": receiver.url}).json()
        http.delete(f"/v1/jobs/{job['id']}")
    _, _, body = receiver.received.get(timeout=60)
    assert json.loads(body)["type"] == "job.cancelled"


def ended(stack: Stack, url: str) -> str:
    """A failed job whose webhook has yet to be sent."""
    request = JobRequest(
        id=new_job_id(),
        name="a",
        size=1,
        sha256="",
        created_at=now(),
        options=JobOptions(),
        webhook_url=url,
    )
    JobRepository(stack.store).add(request)
    stack.store.put(Keys(request.id).status, b'{"state": "failed"}', "application/json")
    return request.id


def test_silent_receiver_delays_only_its_own_webhooks(stack: Stack, receiver: Receiver) -> None:
    async def publish(jobs: list[str]) -> None:
        async with connected(stack) as (_, queue):
            for job in jobs:
                await queue.publish_ended(job)

    with socket.create_server(("127.0.0.2", 0), backlog=64) as silent:
        jobs = [ended(stack, f"http://127.0.0.2:{silent.getsockname()[1]}") for _ in range(30)]
        jobs.append(ended(stack, receiver.url))
        began = time.monotonic()
        asyncio.run(publish(jobs))
        _, headers, _ = receiver.received.get(timeout=60)
        assert headers["webhook-id"] == jobs[-1]
        assert time.monotonic() - began < 10
        for job in jobs:  # otherwise their webhooks are retried for a day
            stack.store.delete_prefix(Keys(job).record)


def test_documented_example_verifies_a_webhook(secret: str) -> None:
    text = (ROOT / "docs" / "webhooks.md").read_text()
    example = text.split("```python\n")[1].split("```")[0]
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102 # our own documentation
    verify = names["verify"]
    assert callable(verify)
    body = b'{"type": "job.succeeded"}'
    headers = payload.headers(secret, "a" * 32, datetime.now(UTC), body)
    assert verify(secret, headers, body) == {"type": "job.succeeded"}
    old = payload.headers(secret, "a" * 32, datetime(2026, 1, 1, tzinfo=UTC), body)
    for wrong in ({**headers, "webhook-signature": "v1,AAAA"}, {**headers, "webhook-id": "b"}, old):
        with pytest.raises(ValueError, match=r"signature|old"):
            verify(secret, wrong, body)
