"""Slow HTTP: heads and bodies that stall, and event streams that are never closed."""

import resource
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import pytest

from tests.support.waiting import until
from tests.system.hostile.conftest import HASTY_SECONDS, Keyed, Keyless
from tests.system.hostile.http_raw import FORM, PATIENCE, Raw, ask, form, get, length, request

# However busy the machine is; by itself an answer takes some 10 ms.
FAST_SECONDS = 10.0
SLOW = 400
STREAMS = 1900


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """Raises the limit of open files, because each connection is one."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if most == resource.RLIM_INFINITY else min(8192, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit, wanted), most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))


def answer_seconds(url: str) -> float:
    began = time.monotonic()
    assert get(url, b"/v1/jobs?limit=1").status == 200
    return time.monotonic() - began


def test_a_stalled_request_head_times_out(hasty: Keyless) -> None:
    line = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    large = line + b"X: " + b"a" * 30_000
    late = "request_timeout"
    began = time.monotonic()
    with ExitStack() as held:

        def begin(sent: bytes) -> Raw:
            raw = held.enter_context(Raw(hasty.url))
            raw.send(sent)
            return raw

        # Side by side, as each is waited for. Those behind another have no more time.
        tried = [
            (begin(b""), []),
            (begin(b"G"), [late]),
            (begin(line), [late]),
            (begin(line + b"X: "), [late]),
            (begin(line + b"\r\n" + line), ["", late]),
            (begin(large + b"\r\n\r\n" + large), ["", late]),
        ]
        second = begin(line + b"\r\n")
        assert second.first().status == 200
        second.send(line)
        for raw, codes in [*tried, (second, [late])]:
            assert [answer.code for answer in raw.answers()] == codes
            assert time.monotonic() - began > HASTY_SECONDS - 1


def test_an_endless_request_head_times_out(hasty: Keyless) -> None:
    with Raw(hasty.url) as raw:
        ended = threading.Event()

        def drip() -> None:
            raw.send(b"GET /healthz HTTP/1.1\r\nX: ")
            while not ended.wait(0.1):
                raw.send(b"a")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert raw.seconds_open() < PATIENCE
        finally:
            ended.set()
            dripping.join()


def test_an_early_answer_stops_an_endless_body(hasty: Keyless) -> None:
    head = b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
    with Raw(hasty.url) as raw:
        raw.send(head)
        assert raw.first().status == 405
        raw.send(b"a")  # it is not idle, so being idle is no reason to end it
        assert raw.answers() == []


def test_many_slow_heads_block_no_one_and_are_closed(hasty: Keyless) -> None:
    before = hasty.figure("process_open_fds")
    with ExitStack() as held:
        slow = [held.enter_context(Raw(hasty.url)) for _ in range(SLOW)]
        for connection in slow:
            connection.send(b"GET /v1/jobs HTTP/1.1\r\nX: ")
        for letter in b"abc":
            for connection in slow:
                connection.send(bytes([letter]))
            assert answer_seconds(hasty.url) < FAST_SECONDS
        until(lambda: hasty.figure("process_open_fds") <= before + SLOW / 10)


JSON = b"Content-Type: application/json\r\n" + length(100)
CHUNKED = FORM + b"Transfer-Encoding: chunked\r\n"


def test_a_stalled_body_is_closed_and_leaves_nothing(hasty: Keyless) -> None:
    whole = form(bytes(1000))
    tried = (
        (b"/v1/jobs", FORM + length(10_000), whole, "incomplete_upload"),
        (b"/v1/jobs", FORM + length(len(whole) + 10), whole, "incomplete_upload"),
        (b"/v1/jobs", CHUNKED, b"%x\r\n%s" % (10_000, whole), "incomplete_upload"),
        (b"/v1/jobs", CHUNKED, b"8000000000000000\r\n" + whole, "incomplete_upload"),
        (b"/v1/uploads", JSON, b'{"name": ', "bad_request"),
        (b"/v1/session", JSON, b'{"key":', "bad_request"),
    )
    before = hasty.stored()
    with ThreadPoolExecutor(len(tried)) as pool:
        sent = [request(hasty.url, to, b"POST", headers, body) for to, headers, body, _ in tried]
        for (answer,), (*_, code) in zip(
            pool.map(partial(ask, hasty.url), sent), tried, strict=True
        ):
            assert (answer.status, answer.code, answer.headers["connection"]) == (
                400,
                code,
                "close",
            )
    until(lambda: hasty.stored() <= before)
    until(lambda: hasty.figure("poseway_uploads_in_progress") <= 0)


def test_a_stalled_part_is_closed_and_can_be_sent_again(hasty: Keyless) -> None:
    with hasty.client() as client:
        upload = client.post("/v1/uploads", json={"name": "a", "size": 1000}).json()
        place = upload["links"]["part"].format(number=1)
        sent = request(hasty.url, place.encode(), b"PUT", length(1000), bytes(500))
        (answer,) = ask(hasty.url, sent)
        assert (answer.status, answer.code) == (400, "incomplete_upload")
        assert client.get(upload["links"]["self"]).json()["parts"] == []
        assert client.put(place, content=bytes(1000)).status_code == 204
        assert client.delete(upload["links"]["self"]).status_code == 204
    until(lambda: hasty.figure("poseway_uploads_in_progress") <= 0)


def test_a_body_that_is_refused_unread_is_closed(keyed: Keyed) -> None:
    sent = request(keyed.url, b"/v1/jobs", b"POST", FORM + length(1 << 20), b"--edge")
    assert [answer.code for answer in ask(keyed.url, sent)] == ["key_missing"]


def test_a_slow_but_steady_client_is_served(hasty: Keyless) -> None:
    whole = form(b"slow" * 10)
    head = request(hasty.url, b"/v1/jobs", b"POST", FORM + length(len(whole)))
    began = time.monotonic()
    with Raw(hasty.url) as raw:
        raw.send(head)
        step = len(whole) // 8
        for start in range(0, len(whole), step):
            time.sleep(HASTY_SECONDS / 6)
            raw.send(whole[start : start + step])
        (answer,) = raw.answers()
    assert time.monotonic() - began > HASTY_SECONDS
    assert answer.status == 201


def open_stream(url: str) -> Raw:
    raw = Raw(url)
    raw.send(request(url, b"/v1/events"))
    return raw


def test_thousands_of_idle_streams_cost_little_and_are_released(hasty: Keyless) -> None:
    files = hasty.figure("process_open_fds")
    memory = hasty.figure("process_resident_memory_bytes")
    with ExitStack() as held:
        streams = [held.enter_context(open_stream(hasty.url)) for _ in range(STREAMS)]
        for stream in streams:
            assert stream.socket.recv(100).startswith(b"HTTP/1.1 200")
        until(lambda: hasty.figure("poseway_event_listeners") == STREAMS)
        assert answer_seconds(hasty.url) < FAST_SECONDS
        each = (hasty.figure("process_resident_memory_bytes") - memory) / STREAMS
        assert each < 130_000
    until(lambda: hasty.figure("poseway_event_listeners") <= 0)
    until(lambda: hasty.figure("process_open_fds") <= files + STREAMS / 100)


def test_one_owner_cannot_take_every_event_stream(keyed: Keyed) -> None:
    with ExitStack() as held:

        def follow(number: int) -> Raw:
            raw = held.enter_context(Raw(keyed.url))
            raw.send(request(keyed.url, b"/v1/events", headers=keyed.bearer(number)))
            assert raw.socket.recv(100).startswith(b"HTTP/1.1 200")
            return raw

        first, *_ = [follow(0), follow(0), follow(1)]
        refused = get(keyed.url, b"/v1/events", keyed.bearer(0))
        assert (refused.status, refused.code) == (429, "rate_limited")
        follow(1)
        full = get(keyed.url, b"/v1/events", keyed.bearer(2))
        assert (full.status, full.code) == (503, "overloaded")
        assert get(keyed.url, b"/v1/jobs", keyed.bearer(2)).status == 200
        first.socket.close()
        until(lambda: follows(keyed, 2))


def follows(keyed: Keyed, number: int) -> bool:
    """Whether another event stream is accepted."""
    with Raw(keyed.url) as raw:
        raw.send(request(keyed.url, b"/v1/events", headers=keyed.bearer(number)))
        return raw.socket.recv(100).startswith(b"HTTP/1.1 200")
