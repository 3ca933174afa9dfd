"""Multipart uploads to the running system."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from poseway.client import Client
from poseway.errors import InvalidRequestError, NotFoundError
from poseway.jobs import JobOptions, JobState, Keys, new_job_id, now
from poseway.local.probes import is_ready
from poseway.local.stack import Stack
from poseway.storage import ObjectStore
from poseway_gateway.api.uploads.arriving_body import arriving
from poseway_gateway.api.uploads.multipart_uploads import PART_BYTES, MultipartUploads
from poseway_gateway.api.web.request_bodies import RequestBodies
from tests.support.videos import make_video
from tests.support.waiting import until
from tests.system.upgrade.records import change

BIG = PART_BYTES + 1000


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        yield client


def begin(http: httpx.Client, size: int, **more: object) -> dict[str, Any]:
    answer = http.post("/v1/uploads", json={"name": "clip.mp4", "size": size, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == answer.json()["links"]["self"]
    found: dict[str, Any] = answer.json()
    return found


def put(http: httpx.Client, upload: dict[str, Any], number: int, data: bytes) -> httpx.Response:
    return http.put(upload["links"]["part"].format(number=number), content=data)


def padded_video(size: int) -> bytes:
    """A clip padded to a size in bytes."""
    video = make_video(6)
    free = size - len(video)
    return video + free.to_bytes(4, "big") + b"free" + bytes(free - 8)


def code(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.json()['code']}"


def test_multipart_upload_becomes_a_job(http: httpx.Client, client: Client, stack: Stack) -> None:
    video = padded_video(BIG)
    upload = begin(http, BIG, options={"trails": True, "screenshot_frames": 2})
    assert (upload["part_bytes"], upload["parts"], upload["direct"]) == (PART_BYTES, [], False)
    assert put(http, upload, 2, video[PART_BYTES:]).status_code == 204  # parts arrive in any order

    # The connection broke; another client inspects the upload.
    assert http.get(upload["links"]["self"]).json()["parts"] == [{"number": 2, "size": 1000}]
    early = http.post(upload["links"]["complete"])
    assert code(early) == "409 upload_incomplete"
    assert "(1 of 2): 1." in early.json()["detail"]
    assert http.get(upload["links"]["job"]).status_code == 404

    assert put(http, upload, 1, bytes(PART_BYTES)).status_code == 204
    assert put(http, upload, 1, video[:PART_BYTES]).status_code == 204  # the newer part counts
    made = http.post(upload["links"]["complete"])
    assert (made.status_code, made.json()["id"]) == (201, upload["id"])
    assert made.json()["options"]["trails"] is True
    again = http.post(upload["links"]["complete"])
    assert (again.status_code, again.json()["id"]) == (200, upload["id"])
    assert http.get(upload["links"]["self"]).json()["complete"] is True
    assert code(http.delete(upload["links"]["self"])) == "409 upload_complete"

    *_, last = client.watch(upload["id"])
    assert last.state is JobState.SUCCEEDED, last.error
    manifest = client.manifest(upload["id"])
    assert (manifest.frames, manifest.source.size, manifest.source.sha256) == (6, BIG, None)
    assert not stack.store.exists(Keys(upload["id"]).upload)


def test_hanging_queue_loses_no_upload(http: httpx.Client, client: Client, stack: Stack) -> None:
    video = make_video(3)
    upload = begin(http, len(video))
    put(http, upload, 1, video)
    queue = stack.pid("queue")
    os.kill(queue, signal.SIGSTOP)
    try:
        refused = http.post(upload["links"]["complete"])
    finally:
        os.kill(queue, signal.SIGCONT)
    until(lambda: is_ready(stack.gateway_url))
    assert code(refused) == "503 unavailable"
    shown = http.get(upload["links"]["self"]).json()
    assert (shown["complete"], len(shown["parts"])) == (False, 1)
    # It is a job already: a concurrent request may have reported it.
    assert http.post(upload["links"]["complete"]).status_code == 200
    assert http.get(upload["links"]["self"]).json()["complete"] is True
    assert client.wait(upload["id"]).state is JobState.SUCCEEDED


def test_concurrent_completion_creates_one_job(http: httpx.Client) -> None:
    video = make_video(6)
    upload = begin(http, len(video))
    put(http, upload, 1, video)
    barrier = threading.Barrier(4)

    def complete(_: int) -> httpx.Response:
        barrier.wait()
        return http.post(upload["links"]["complete"])

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(complete, range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert {answer.json()["id"] for answer in answers} == {upload["id"]}


def test_part_of_wrong_size_is_refused(http: httpx.Client) -> None:
    upload = begin(http, BIG)
    for number, data in ((1, b"x"), (2, bytes(1001)), (3, b"x")):
        assert code(put(http, upload, number, data)) == "422 wrong_part"
    unknown_length = iter([b"x" * 1000])
    answer = http.put(upload["links"]["part"].format(number=2), content=unknown_length)
    assert code(answer) == "422 wrong_part"
    assert http.get(upload["links"]["self"]).json()["parts"] == []
    assert http.delete(upload["links"]["self"]).status_code == 204


def test_deleted_upload_is_gone(http: httpx.Client, stack: Stack) -> None:
    upload = begin(http, BIG)
    put(http, upload, 1, bytes(PART_BYTES))
    assert http.delete(upload["links"]["self"]).status_code == 204
    for answer in (
        http.get(upload["links"]["self"]),
        http.delete(upload["links"]["self"]),
        http.post(upload["links"]["complete"]),
        put(http, upload, 2, bytes(1000)),
    ):
        assert code(answer) == "404 upload_not_found"
    assert [item.key for item in stack.store.walk("") if upload["id"] in item.key] == []
    left = stack.store.client.list_multipart_uploads(Bucket=stack.store.bucket)
    assert upload["id"] not in str(left.get("Uploads"))


def test_mistakes_are_reported_before_anything_is_uploaded(http: httpx.Client) -> None:
    for override, expected in (
        ({"size": 0}, "422 invalid_request"),
        ({"size": 1 << 50}, "413 too_large"),
        ({"options": {"colour": "red"}}, "422 invalid_request"),
        ({"options": {"crf": 99}}, "422 invalid_request"),
        ({"options": {"model": "best"}}, "422 unknown_model"),
        ({"webhook_url": "ftp://example.org"}, "422 invalid_webhook"),
    ):
        asked = {"name": "a", "size": 10, **override}
        assert code(http.post("/v1/uploads", json=asked)) == expected
    assert code(http.get(f"/v1/uploads/{'f' * 32}")) == "404 upload_not_found"


def test_broken_part_is_absent_and_can_be_sent_again(stack: Stack, http: httpx.Client) -> None:
    upload = begin(http, 1000)
    host, port = stack.gateway_url.removeprefix("http://").split(":")
    place = upload["links"]["part"].format(number=1)

    async def break_off() -> None:
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"PUT {place} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 1000\r\n\r\n"
        writer.write(head.encode() + bytes(500))
        await writer.drain()
        await asyncio.sleep(0.3)
        writer.close()

    asyncio.run(break_off())
    assert http.get(upload["links"]["self"]).json()["parts"] == []
    assert put(http, upload, 1, bytes(1000)).status_code == 204
    http.delete(upload["links"]["self"])


def test_upload_that_is_becoming_a_job_cannot_be_deleted(stack: Stack, http: httpx.Client) -> None:
    upload = begin(http, 1000)
    put(http, upload, 1, bytes(1000))
    # Another gateway has assembled the parts and is about to record the job.
    other = MultipartUploads(stack.store, 1 << 30, 3600)
    pending = other.find(upload["id"], "")
    other.complete(pending)
    other.mark_completing(pending)
    assert code(http.delete(upload["links"]["self"])) == "409 upload_complete"
    assert stack.store.exists(Keys(upload["id"]).upload)
    # That gateway died.
    long_ago = (now() - timedelta(minutes=2)).isoformat()
    change(stack, f"pending/{upload['id']}.json", completing_at=long_ago)
    assert http.delete(upload["links"]["self"]).status_code == 204
    assert not stack.store.exists(Keys(upload["id"]).upload)


def test_deleted_upload_cannot_be_completed(stack: Stack, http: httpx.Client) -> None:
    upload = begin(http, 1000)
    put(http, upload, 1, bytes(1000))
    # Another gateway is about to delete the parts.
    other = MultipartUploads(stack.store, 1 << 30, 3600)
    pending = other.find(upload["id"], "")
    other.mark_discarded(pending)
    assert code(http.post(upload["links"]["complete"])) == "404 upload_not_found"
    with pytest.raises(NotFoundError):
        other.mark_completing(pending)
    other.discard(pending)


def test_silent_sender_counts_as_disconnected() -> None:
    messages: asyncio.Queue[Message] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": b"abc", "more_body": True})

    async def read(scope: Scope, receive: Receive, _send: Send) -> None:
        pieces = arriving(Request(scope, receive))
        assert await anext(pieces) == b"abc"
        with pytest.raises(InvalidRequestError) as silent:
            await anext(pieces)
        assert silent.value.code == "incomplete_upload"

    async def sent(_: Message) -> None:
        raise AssertionError

    asyncio.run(
        RequestBodies(read, seconds=0.05)({"type": "http", "headers": []}, messages.get, sent)
    )


def test_expired_uploads_are_deleted(stack: Stack) -> None:
    store = ObjectStore(stack.storage_settings)
    expiring, uploads = MultipartUploads(store, 1 << 30, -1), MultipartUploads(store, 1 << 30, 3600)
    stale = expiring.begin(new_job_id(), "a.mp4", 10, JobOptions(), "", None)
    fresh = uploads.begin(new_job_id(), "b.mp4", 10, JobOptions(), "", None)
    unreadable = "pending/0.json"  # sorts first
    store.put(unreadable, b"{", "application/json")
    assert uploads.expire() >= 1
    store.delete(unreadable)
    assert not uploads.exists(stale.id, "")
    assert uploads.arrived(fresh) == {}
    uploads.discard(fresh)
