"""HTTP bodies that are longer, shorter or other than announced."""

import gzip

import pytest

from tests.support.waiting import until
from tests.system.hostile.conftest import Keyless
from tests.system.hostile.http_raw import FORM, Answer, Raw, ask, form, length, request

WHOLE = form()
CHUNKED = b"Transfer-Encoding: chunked\r\n"
WAITING = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
HIDDEN = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def post(calm: Keyless, headers: bytes, body: bytes = WHOLE) -> list[Answer]:
    return ask(calm.url, request(calm.url, b"/v1/jobs", b"POST", FORM + headers, body))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (length(len(WHOLE)), WHOLE),
        (length(len(WHOLE)) * 2, WHOLE),
        (b"Content-Length: %d, %d\r\n" % (len(WHOLE), len(WHOLE)), WHOLE),
        (CHUNKED, chunk(WHOLE) + b"0\r\n\r\n"),
        (CHUNKED, b"".join(chunk(bytes([byte])) for byte in WHOLE) + b"0\r\n\r\n"),
        (CHUNKED, b"%x;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(WHOLE), WHOLE)),
        (length(len(WHOLE)) + b"Expect: 100-continue\r\n", WHOLE),
        # Content-Encoding is ignored, so no compressed bomb is unpacked.
        (length(len(WHOLE)) + b"Content-Encoding: gzip\r\n", WHOLE),
    ],
    ids=["plain", "twice", "a list", "chunks", "tiny chunks", "extension", "expect", "encoding"],
)
def test_an_unambiguous_length_is_accepted(calm: Keyless, headers: bytes, body: bytes) -> None:
    (answer,) = post(calm, headers, body)
    assert answer.status == 201


@pytest.mark.essential
@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        (b"", WHOLE, "incomplete_upload"),
        (length(len(WHOLE) - 10), WHOLE, "incomplete_upload"),
        (b"Content-Length: -5\r\n", WHOLE, "bad_request"),
        (b"Content-Length: +5\r\n", WHOLE, "bad_request"),
        (b"Content-Length: 0x5\r\n", WHOLE, "bad_request"),
        (b"Content-Length: 1e3\r\n", WHOLE, "bad_request"),
        (b"Content-Length: \r\n", WHOLE, "bad_request"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n", WHOLE, "bad_request"),
        (b"Content-Length: " + b"9" * 19 + b"\r\n", WHOLE, "too_large"),
        (length(len(WHOLE)) + length(len(WHOLE) + 1), WHOLE, "bad_request"),
        (length(len(WHOLE)) + CHUNKED, chunk(WHOLE) + b"0\r\n\r\n", "bad_request"),
        (CHUNKED + length(6), b"0\r\n\r\n" + HIDDEN, "bad_request"),
        (length(len(HIDDEN)) + CHUNKED, b"0\r\n\r\n" + HIDDEN, "bad_request"),
        (CHUNKED * 2, chunk(WHOLE) + b"0\r\n\r\n", "not_implemented"),
        (b"Transfer-Encoding: gzip, chunked\r\n", WHOLE, "not_implemented"),
        (b"Transfer-Encoding: xchunked\r\n", WHOLE, "not_implemented"),
        (b"Transfer-Encoding : chunked\r\n", WHOLE, "bad_request"),
        (CHUNKED, b"zz\r\n" + WHOLE, "bad_request"),
        (CHUNKED, b"-1\r\n" + WHOLE, "bad_request"),
        (CHUNKED, b"0x10\r\n" + WHOLE, "bad_request"),
        (CHUNKED, b"5\r\n123456789\r\n", "bad_request"),
        (CHUNKED, b"f" * 25 + b"\r\n" + WHOLE, "bad_request"),
        (CHUNKED, b"5;" + b"a" * 100_000, "request_header_fields_too_large"),
        (CHUNKED, chunk(WHOLE) + b"0\r\nX: " + b"a" * 100_000, "request_header_fields_too_large"),
        (CHUNKED, chunk(WHOLE[:50]) + b"0\r\n\r\n", "incomplete_upload"),
    ],
)
def test_an_ambiguous_length_is_refused_and_leaves_nothing(
    calm: Keyless, headers: bytes, body: bytes, code: str
) -> None:
    before = calm.stored()
    answers = post(calm, headers, body)
    # One answer: nothing in the body is taken for another request.
    assert [answer.code for answer in answers] == [code]
    assert answers[0].headers["connection"] == "close"
    until(lambda: calm.stored() <= before)


def test_bytes_after_a_body_are_the_next_request(calm: Keyless) -> None:
    head = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n" + FORM + length(len(WHOLE)) + b"\r\n"
    made, refused = ask(calm.url, head + WHOLE + b"and more\x00\r\n\r\n")
    assert made.status == 201
    assert refused.code == "bad_request"


def test_a_compressed_form_is_not_decompressed(calm: Keyless) -> None:
    bomb = gzip.compress(form(bytes(4 << 20)))
    (answer,) = post(calm, length(len(bomb)) + b"Content-Encoding: gzip\r\n", bomb)
    assert (answer.status, answer.code) == (400, "not_a_form")


def test_a_form_of_unknown_length_is_cut_off_at_the_limit(calm: Keyless) -> None:
    before = calm.stored()
    with Raw(calm.url) as raw:
        raw.send(request(calm.url, b"/v1/jobs", b"POST", FORM + CHUNKED))
        raw.send(chunk(form().removesuffix(b"\r\n--edge--\r\n")))
        for _ in range(52):  # the limit is 50 MiB
            raw.send(chunk(bytes(1 << 20)))
        # Unread bytes may cost the answer, but nothing else.
        assert [answer.code for answer in raw.answers()] in ([], ["too_large"])
    until(lambda: calm.stored() <= before)


@pytest.mark.parametrize(
    ("headers", "body", "codes"),
    [
        (length(1001), bytes(1001), ["wrong_part"]),
        (length(999), bytes(999), ["wrong_part"]),
        (b"", b"", ["wrong_part"]),
        (CHUNKED, chunk(bytes(1000)) + b"0\r\n\r\n", ["wrong_part"]),
        (length(1000) + CHUNKED, chunk(bytes(1000)) + b"0\r\n\r\n", ["bad_request"]),
        (b"Content-Length: -1\r\n", b"", ["bad_request"]),
        (length(1000) + b"Expect: 100-continue\r\n", bytes(1000), [""]),
        (length(1000), bytes(1500), [""]),
    ],
    ids=["long", "short", "none", "chunks", "both", "negative", "expect", "more than announced"],
)
def test_a_part_must_have_its_announced_length(
    calm: Keyless, headers: bytes, body: bytes, codes: list[str]
) -> None:
    with calm.client() as client:
        upload = client.post("/v1/uploads", json={"name": "a", "size": 1000}).json()
        place = upload["links"]["part"].format(number=1).encode()
        answers = ask(calm.url, request(calm.url, place, b"PUT", headers, body))
        assert [answer.code for answer in answers] == codes
        arrived = client.get(upload["links"]["self"]).json()["parts"]
        assert arrived == ([] if codes[0] else [{"number": 1, "size": 1000}])
        assert client.delete(upload["links"]["self"]).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        b"X: " + b"a" * 100_000 + b"\r\n",
        b"".join(b"X-%d: a\r\n" % number for number in range(10_000)),
        b"X: y\r\n " + b"folded\r\n " * 12_000 + b"\r\n",
        b"Cookie: " + b"a=b; " * 20_000 + b"\r\n",
    ],
    ids=["one", "many", "folded", "cookies"],
)
def test_an_oversized_request_head_is_refused(calm: Keyless, headers: bytes) -> None:
    (answer,) = ask(calm.url, request(calm.url, headers=headers))
    assert (answer.status, answer.code) == (431, "request_header_fields_too_large")


def test_a_large_request_head_is_accepted_in_any_chunks(calm: Keyless) -> None:
    sent = request(calm.url, headers=b"X: " + b"a" * 32_000 + b"\r\n")
    with Raw(calm.url) as raw:
        for start in range(0, len(sent), 1000):
            raw.send(sent[start : start + 1000])
        (answer,) = raw.answers()
    assert answer.status == 200


def test_an_oversized_head_behind_another_request_is_refused(calm: Keyless) -> None:
    sent = WAITING + request(calm.url, headers=b"X: " + b"a" * 90_000 + b"\r\n")
    assert [answer.status for answer in ask(calm.url, sent)] == [200, 431]


def test_pipelined_requests_are_answered_in_order(calm: Keyless) -> None:
    posted = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\n" + FORM
    video = form(bytes(300_000))
    many = [
        WAITING.replace(b"\r\n\r\n", b"\r\nX: " + b"a" * 30_000 + b"\r\n\r\n") * 9,
        posted + length(len(video)) + b"\r\n" + video,
        posted + CHUNKED + b"\r\n" + chunk(video) + b"0\r\n\r\n",
        WAITING * 2_000,
        request(calm.url),
    ]
    found = [answer.status for answer in ask(calm.url, b"".join(many))]
    assert found == [200] * 9 + [201] * 2 + [200] * 2_001
