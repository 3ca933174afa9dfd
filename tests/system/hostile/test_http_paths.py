"""Hostile URLs, methods and headers."""

from urllib.parse import urlsplit

import httpx
import pytest

from poseway.local.stack import Stack
from poseway.paths import ROOT
from tests.support.gateways import KEYS, gateway
from tests.system.hostile.conftest import LISTED, Keyed, Keyless
from tests.system.hostile.http_raw import FOREIGN, PATIENCE, ask, get, request

PAGE = (ROOT / "frontend" / "index.html").read_bytes()
JOB = b"/v1/jobs/" + b"f" * 32
# Files outside the page's folder.
WANTED = ("README.md", "pyproject.toml", "../../../../../etc/passwd", "frontend/../LICENSE")
WAYS = (
    "/../{}", "/..%2f{}", "/%2e%2e/{}", "/%2e%2e%2f{}", "//../{}", "/./../{}", "/result/../../{}",
    "/%252e%252e%252f{}", "/..%5c{}", "/..\\{}", "/%c0%ae%c0%ae/{}", "/%e0%80%ae%e0%80%ae/{}",
    "/..%00/{}", "/..;/{}", "/index.html/../../{}", "/v1/jobs/../../{}", "/v1/../../{}",
    "/docs/../../{}", "//evil.example/../../{}", "/....//{}", "/static-offline-docs/../../{}",
    "/static-offline-docs/..%2f..%2f{}", "http://localhost/../{}", "file://{}", "/%2f{}",
)  # fmt: skip
ODD = (
    b"//evil.example/", b"//evil.example/%2e%2e", b"///", b"/%00", b"/index.html%00", b"/%",
    b"/%zz", b"/%ff%fe", b"/%e2%80%ae", b"/%0d%0aSet-Cookie:%20a=b", b"/\\evil.example", b"*",
    b"evil.example:443", b"http://evil.example/", b"http://evil.example/v1/jobs", b"/;a=b/v1/jobs",
    b"/v1/jobs/", b"/v1//jobs", b"//v1/jobs", b"/V1/JOBS", b"/v1/jobs/..", b"/v1/jobs/.",
    b"/v1/jobs/%00", b"/v1/jobs/%0a", b"/v1/jobs/%2e%2e%2f%2e%2e", b"/v1/jobs/" + b"f" * 20_000,
    JOB + b"/..%2f..%2f..%2fkeys%2fsigning", JOB + b"/../../keys/signing", JOB + b"/%00",
    JOB + b"/screenshots/..%2fmanifest.json", b"/v1/uploads/..%2f..", b"/v1/jobs?q=%00%ff",
    b"/v1/jobs?cursor=../../x", b"/v1/jobs?cursor=" + b"f" * 20_000, b"/v1/jobs?limit=-1",
    b"/v1/jobs?limit=" + b"9" * 20_000, b"/v1/jobs?limit=1e400", b"/v1/jobs?" + b"state=x&" * 3000,
    b"/v1/jobs?q=a&q=b", b"/?" + b"a&" * 10_000, b"/" + b"a/" * 10_000, b"/" + b"%41" * 10_000,
    b"/docs/", b"/docs/../v1/jobs", b"/openapi.json/", b"/metrics/../v1/jobs", b"/healthz%20",
)  # fmt: skip
HOSTS = (
    b"evil.example", b"[::1", b"localhost.evil.example", b"127.0.0.1.evil.example", b"a@localhost",
    b"localhost/../x", b"localhost#evil.example", b"\xff", b",",
)  # fmt: skip
HEADERS = (
    b"If-None-Match", b"If-Modified-Since", b"If-Range", b"Origin", b"Cookie", b"Accept-Encoding",
    b"Authorization", b"traceparent", b"Last-Event-ID", b"Idempotency-Key", b"Content-Type",
)  # fmt: skip
METHODS = (
    b"TRACE", b"TRACK", b"CONNECT", b"PROPFIND", b"DEBUG", b"PUT", b"PATCH", b"OPTIONS", b"get",
    b"A" * 5000, b"GET-", b"__proto__",
)  # fmt: skip


@pytest.mark.essential
@pytest.mark.parametrize("way", WAYS)
def test_no_path_leads_out_of_the_page_folder(calm: Keyless, way: str) -> None:
    for wanted in WANTED:
        for target in (way.format(wanted), way.format(wanted.replace("/", "%2f"))):
            answer = get(calm.url, target.encode())
            # The page has a README of its own.
            assert answer.status in (307, 400, 404) or answer.body.startswith(b"# The page")


@pytest.mark.parametrize("target", ODD, ids=lambda target: repr(target[:30]))
def test_odd_urls_get_an_answer(calm: Keyless, target: bytes) -> None:
    answer = get(calm.url, target)
    if answer.status in (301, 302, 307, 308):
        assert urlsplit(answer.headers["location"]).netloc == urlsplit(calm.url).netloc
    else:
        assert answer.status in (200, 400, 404, 422)


def test_a_url_of_64_kb_is_too_long(calm: Keyless) -> None:
    for target in (b"/" + b"a" * (1 << 16), b"/v1/jobs?q=" + b"%41" * 30_000):
        assert get(calm.url, target).status == 431


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method[:10].decode())
@pytest.mark.parametrize("target", [b"/", b"/healthz", b"/v1/models", b"/v1/nothing", b"a.com:80"])
def test_unknown_methods_are_refused(calm: Keyless, method: bytes, target: bytes) -> None:
    secret = b"X-Secret: do not echo\r\n"
    (answer,) = ask(calm.url, request(calm.url, target, method, secret))
    assert answer.status in (404, 405)
    assert b"do not echo" not in answer.body
    assert answer.status == 404 or "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", b"GE\x00T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / /x HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",  # TLS
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rSet-Cookie: b\r\n\r\n", bytes(1000) + b"\r\n\r\n",
    ],
    ids=repr,
)  # fmt: skip
def test_bytes_that_are_not_http_get_a_400(calm: Keyless, sent: bytes) -> None:
    assert [answer.status for answer in ask(calm.url, sent)] == [400]


@pytest.mark.parametrize("host", HOSTS)
def test_foreign_host_names_are_refused(calm: Keyless, host: bytes) -> None:
    answer = get(calm.url, b"/v1/jobs", host=host)
    assert answer.status in (400, 403)
    spoof = b"X-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\n"
    assert get(calm.url, b"/v1/jobs", spoof, host=host).status == answer.status


def test_a_forwarded_client_address_is_not_trusted(stack: Stack) -> None:
    def guess(url: str, number: int) -> int:
        says = f"Authorization: Bearer pw_{number:08x}_{'ef' * 20}\r\n"
        says += "".join(f"{name}: 10.0.0.{number}\r\n" for name in ("X-Forwarded-For", "X-Real-IP"))
        return get(url, b"/v1/models", says.encode()).status

    # A separate gateway, because it also rejects keys that were not used recently.
    with gateway(stack, {**KEYS, "POSEWAY_FIRST_KEY": f"pw_00000001_{'ab' * 20}"}) as url:
        answers = [guess(url, number) for number in range(100, 161)]
    assert answers == [401] * 60 + [429]


def test_forwarded_scheme_and_host_are_not_trusted(keyed: Keyed) -> None:
    says = b"X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n" + keyed.bearer(0)
    answer = get(keyed.url, b"/v1/jobs/", says)
    assert answer.headers["location"] == f"{keyed.url}/v1/jobs"


@pytest.mark.parametrize(
    "value",
    [
        b"bytes=" + b",".join(b"%d-%d" % (n, n) for n in range(2500)), b"bytes=" + b"0-," * 9000,
        b"bytes=" + b"9" * 20_000 + b"-", b"bytes=a-b", b"bytes=--1", b"bytes=5-1", b"bytes=-0",
        b"lines=1-2", b"bytes", b"\xff", b"bytes=99999999999-", b"bytes=0-0,0-0",
    ],
    ids=lambda value: repr(value[:20]),
)  # fmt: skip
def test_odd_ranges_get_an_answer(calm: Keyless, value: bytes) -> None:
    page = get(calm.url, b"/", b"Range: " + value + b"\r\n")
    assert (page.status, page.body) == (200, PAGE)
    if (ROOT / "build" / "sample" / "demo.mp4").exists():
        sample = get(calm.url, b"/v1/sample", b"Range: " + value + b"\r\n")
        assert sample.status in (200, 206, 416)


@pytest.mark.parametrize("name", HEADERS)
def test_monstrous_headers_get_an_answer(keyed: Keyed, name: bytes) -> None:
    for value in (
        b'"' * 30_000,
        b",".join(b'"%d"' % n for n in range(4000)),
        b"\xff\xfe",
        b"9" * 30_000,
    ):
        for target in (b"/", b"/v1/jobs", JOB):
            headers = b"%s: %s\r\n" % (name, value)
            if name != b"Authorization":
                headers += keyed.bearer(0)
            assert get(keyed.url, target, headers).status in (200, 401, 404, 422)


def test_pages_of_other_origins_learn_nothing(calm: Keyless, keyed: Keyed) -> None:
    origin = f"Origin: {FOREIGN}\r\n".encode()
    asked = origin + b"Access-Control-Request-Method: DELETE\r\n"
    for target in (
        b"/",
        b"/healthz",
        b"/openapi.json",
        b"/v1/jobs",
        b"/v1/models",
        JOB,
        b"/nothing",
    ):
        # `Answer.check` verifies that no origin is allowed.
        assert get(calm.url, target, origin).status in (200, 404)
        assert get(keyed.url, target, origin + keyed.bearer(0)).status in (200, 404)
        (preflight,) = ask(calm.url, request(calm.url, target, b"OPTIONS", asked))
        assert preflight.status in (404, 405)
        (refused,) = ask(keyed.url, request(keyed.url, target, b"OPTIONS", asked))
        assert (refused.status, refused.code) == (403, "cross_site")


def test_only_the_exact_listed_origin_is_allowed(keyed: Keyed) -> None:
    for origin in (
        f"{LISTED}.evil.example",
        LISTED.upper(),
        f"{LISTED}:444",
        "null",
        "http://lab.example",
    ):
        get(keyed.url, b"/v1/jobs", f"Origin: {origin}\r\n".encode() + keyed.bearer(0))
    answer = httpx.get(f"{keyed.url}/healthz", headers={"Origin": LISTED}, timeout=PATIENCE)
    assert answer.headers["access-control-allow-origin"] == LISTED
