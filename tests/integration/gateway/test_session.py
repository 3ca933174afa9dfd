"""Browser sessions, and requests of pages of other sites."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from poseway.api_keys import ApiKeys
from poseway.local.stack import Stack
from poseway_gateway.api.access.authenticator import COOKIE
from poseway_gateway.api.access.thread_pool import AccessExecutor
from poseway_gateway.api.access.tokens import Signatures
from tests.support.gateways import KEYS, assert_problem, gateway, submit, user

FIRST = "pw_00000002_" + "cd" * 20
SIGNING = "only these tests sign with this key!"
LISTED = "https://lab.example"


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    env = {"POSEWAY_FIRST_KEY": FIRST, "POSEWAY_SIGNING_KEY": SIGNING}
    with gateway(stack, {**KEYS, **env, "POSEWAY_CORS_ORIGINS": f"{LISTED}, "}) as running:
        yield running


@pytest.fixture
def browser(url: str) -> Iterator[httpx.Client]:
    """A signed-in browser."""
    with user(url) as client:
        assert client.post("/v1/session", json={"key": FIRST}).status_code == 200
        yield client


def sign_in(client: httpx.Client, key: str, **headers: str) -> httpx.Response:
    return client.post("/v1/session", json={"key": key}, headers=headers)


def test_browser_signs_in_and_out(url: str) -> None:
    with user(url) as browser:
        assert_problem(browser.get("/v1/session"), 401, "key_missing")
        assert_problem(sign_in(browser, FIRST[:-1] + "0"), 401, "key_unknown")
        answer = sign_in(browser, f" {FIRST} ")
        assert answer.json()["name"] == "first"
        kept = answer.headers["set-cookie"]
        assert "HttpOnly" in kept
        assert "SameSite=strict" in kept
        assert "Max-Age=6048" in kept
        assert "Secure" not in kept
        assert FIRST[12:] not in kept
        assert browser.get("/v1/session").json() == answer.json()
        assert browser.get(f"/v1/jobs/{submit(browser)}").status_code == 200
        assert browser.delete("/v1/session").status_code == 204
        assert_problem(browser.get("/v1/session"), 401, "key_missing")


def test_cookie_is_secure_behind_https(url: str) -> None:
    with user(url) as browser:
        answer = sign_in(browser, FIRST, **{"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]


def test_session_ends_when_its_key_is_rotated(stack: Stack, url: str) -> None:
    keys = ApiKeys(stack.store)
    _, whole = keys.create("rotated")
    with user(url) as browser:
        assert sign_in(browser, whole).status_code == 200
        keys.rotate("rotated")
        began = time.monotonic()
        while (answer := browser.get("/v1/session")).status_code == 200:
            assert time.monotonic() - began < 30
            time.sleep(0.2)
    assert_problem(answer, 401, "key_unknown")


def test_tokens_are_valid_for_their_purpose_and_until_they_expire(stack: Stack, url: str) -> None:
    signatures = Signatures(stack.store, AccessExecutor(), SecretStr(SIGNING))
    others = Signatures(stack.store, AccessExecutor(), SecretStr("x" * 32))
    key, soon, late = "00000002", int(time.time()) + 600, int(time.time()) - 1
    with user(url, FIRST) as owner, user(url) as browser, user(url) as guest:
        job = submit(owner)
        session = sign_in(browser, FIRST).cookies[COOKIE]
        read = asyncio.run(signatures.session_of(session))
        assert read is not None
        shared = asyncio.run(signatures.share(job, key, soon))
        assert guest.get(f"/v1/jobs/{job}", params={"share": shared}).status_code == 200
        middle = len(session) // 2
        changed = session[:middle] + ("A" if session[middle] != "A" else "B")
        for token in (
            changed + session[middle + 1 :],
            session[:middle],
            asyncio.run(signatures._sign("session", [key, read[1], late])),
            asyncio.run(others._sign("session", [key, read[1], soon])),
            asyncio.run(signatures._sign("session", [key, "0" * 16, soon])),
            shared,
        ):
            answer = guest.get("/v1/jobs", headers={"Cookie": f"{COOKIE}={token}"})
            assert_problem(answer, 401, "key_unknown")
        for token in (
            session,
            asyncio.run(others.share(job, key, soon)),
            asyncio.run(signatures.share(job, key, late)),
            asyncio.run(signatures.share(job, "00000003", soon)),
            asyncio.run(signatures.share("f" * 32, key, soon)),
        ):
            answer = guest.get(f"/v1/jobs/{job}", params={"share": token})
            assert_problem(answer, 404, "job_not_found")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:1"},
    ],
)
def test_cross_site_requests_are_refused(browser: httpx.Client, headers: dict[str, str]) -> None:
    job = submit(browser)
    files = {"video": ("clip.mp4", b"x")}
    assert_problem(browser.post("/v1/jobs", files=files, headers=headers), 403, "cross_site")
    assert_problem(browser.delete(f"/v1/jobs/{job}", headers=headers), 403, "cross_site")
    # Nor can they sign a browser in with a key of their own, or out.
    assert_problem(sign_in(browser, FIRST, **headers), 403, "cross_site")
    assert_problem(browser.delete("/v1/session", headers=headers), 403, "cross_site")
    assert browser.get(f"/v1/jobs/{job}").status_code == 200


def test_own_and_listed_origins_are_permitted(url: str, browser: httpx.Client) -> None:
    for headers in (
        {"Origin": url},
        {"Sec-Fetch-Site": "same-origin", "Origin": url},
        # A proxy that terminates HTTPS forwards the host over HTTP.
        {"Origin": "https://pose.example", "Host": "pose.example"},
        {"Origin": LISTED, "Sec-Fetch-Site": "cross-site"},
    ):
        answer = browser.post("/v1/jobs", files={"video": ("a.mp4", b"x")}, headers=headers)
        assert answer.status_code == 201, headers


def test_cors_headers_name_listed_origins(url: str) -> None:
    asks = {
        "Origin": LISTED,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization, idempotency-key",
    }
    preflight = httpx.options(f"{url}/v1/jobs", headers=asks)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == LISTED
    evil = httpx.options(f"{url}/v1/jobs", headers={**asks, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in evil.headers
    # Pages can read errors, too.
    refused = httpx.get(f"{url}/v1/jobs", headers={"Origin": LISTED})
    assert_problem(refused, 401, "key_missing")
    assert refused.headers["access-control-allow-origin"] == LISTED


def test_foreign_hosts_are_refused_without_keys(stack: Stack) -> None:
    with user(stack.gateway_url) as browser:
        assert browser.get("/v1/session").json()["auth"] == "off"
        answer = sign_in(browser, "whatever")
        assert (answer.json()["auth"], answer.cookies.get(COOKIE)) == ("off", None)
        evil = {"Origin": "https://evil.example"}
        files = {"video": ("clip.mp4", b"x")}
        assert_problem(browser.post("/v1/jobs", files=files, headers=evil), 403, "cross_site")
        # A foreign name that resolves to this machine: its page would be "same-origin".
        rebound = {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"}
        for headers in (rebound, {"Host": "["}, {"Host": "[v1.x"}):
            assert_problem(browser.get("/v1/jobs", headers=headers), 403, "wrong_host")
        for host in ("localhost:8080", "[::1]:8080", "127.0.0.1", "poseway.localhost"):
            assert browser.get("/v1/models", headers={"Host": host}).status_code == 200
        assert "access-control-allow-origin" not in browser.get("/v1/jobs", headers=evil).headers


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream"])
@pytest.mark.parametrize("path", ["/v1/session", f"/v1/jobs/{'f' * 32}/shares"])
def test_bodies_read_into_memory_are_small(url: str, path: str, kind: str) -> None:
    headers = {"Content-Type": kind}
    with user(url, FIRST) as client:
        large = client.post(path, content=b"x" * 70_000, headers=headers)
        assert_problem(large, 413, "too_large")
        endless = client.post(path, content=iter([b"{}"]), headers=headers)
        assert_problem(endless, 413, "too_large")
        for broken in (b"{", b"\xff"):
            assert client.post(path, content=broken, headers=headers).status_code in (400, 404, 422)
