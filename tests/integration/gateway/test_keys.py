"""API keys and what they give access to."""

import contextlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from poseway.api_keys import ApiKeys
from poseway.errors import ConflictError, InvalidRequestError, NotFoundError
from poseway.local.stack import Stack
from tests.support.gateways import KEYS, assert_problem, gateway, gateway_env, submit, user

FIRST = "pw_00000001_" + "ab" * 20
REVOKED_WITHIN_SECONDS = 30


@pytest.fixture(scope="module")
def keys(stack: Stack) -> ApiKeys:
    return ApiKeys(stack.store)


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    with gateway(stack, {**KEYS, "POSEWAY_FIRST_KEY": FIRST}) as running:
        yield running


def until_refused(client: httpx.Client) -> float:
    """Returns the seconds until a client is refused."""
    began = time.monotonic()
    while client.get("/v1/models").status_code == 200:
        assert time.monotonic() - began < REVOKED_WITHIN_SECONDS
        time.sleep(0.2)
    return time.monotonic() - began


def test_every_route_under_v1_requires_a_key(url: str) -> None:
    with user(url) as anonymous:
        document = anonymous.get("/openapi.json").json()
        for path, methods in document["paths"].items():
            if not path.startswith("/v1/"):
                continue
            place = re.sub(r"\{[^}]*\}", "f" * 32, path)
            for method, operation in methods.items():
                answer = anonymous.request(method.upper(), place)
                if path == "/v1/session" and method != "get":
                    assert answer.status_code in (204, 422)
                    continue
                assert_problem(answer, 401, "key_missing")
                assert answer.headers["www-authenticate"] == "Bearer"
                assert {"key": []} in operation["security"]
                assert "401" in operation["responses"]
        assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_page_document_and_probes_need_no_key(url: str) -> None:
    with user(url) as anonymous:
        for path in ("/", "/app.js", "/docs", "/openapi.json", "/healthz", "/readyz"):
            assert anonymous.get(path).status_code == 200, path
        # Metrics are for operators, who have a separate port.
        assert anonymous.get("/metrics").status_code == 404


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer", "key_unknown"),
        ("Bearer pw_00000001_" + "ba" * 20, "key_unknown"),
        ("Bearer pw_ffffffff_" + "ab" * 20, "key_unknown"),
        ("Bearer pw_../../x_" + "ab" * 20, "key_unknown"),
        (f"Basic {FIRST}", "key_missing"),
        (FIRST, "key_missing"),
    ],
)
def test_invalid_credentials_are_refused(url: str, header: str, code: str) -> None:
    assert_problem(httpx.get(f"{url}/v1/jobs", headers={"Authorization": header}), 401, code)


def test_upload_without_a_key_is_refused_before_it_is_read(url: str) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(200):
            sent += 1
            yield bytes(1 << 20)

    with contextlib.suppress(httpx.WriteError):  # a closed connection is also correct
        assert_problem(httpx.post(f"{url}/v1/jobs", content=body()), 401, "key_missing")
    assert sent < 100


def test_refused_part_gets_a_response(url: str) -> None:
    with user(url) as anonymous:
        for _ in range(3):
            answer = anonymous.put(f"/v1/uploads/{'f' * 32}/parts/1", content=bytes(8 << 20))
            assert_problem(answer, 401, "key_missing")
            assert "connection" not in answer.headers


def test_key_from_the_settings_is_valid(url: str) -> None:
    with user(url, FIRST) as operator:
        session = operator.get("/v1/session").json()
    assert (session["auth"], session["owner"], session["name"]) == ("keys", "00000001", "first")
    assert session["webhook_secret"].startswith("whsec_")


def test_keys_see_their_own_jobs_only(url: str, keys: ApiKeys) -> None:
    (_, one), (_, other) = keys.create("sees-1"), keys.create("sees-2")
    with user(url, one) as owner, user(url, other) as stranger:
        job = submit(owner)
        assert [item["id"] for item in owner.get("/v1/jobs").json()["jobs"]] == [job]
        assert stranger.get("/v1/jobs").json()["jobs"] == []
        assert owner.get(f"/v1/jobs/{job}").status_code == 200
        for path in ("", "/events", "/manifest.json", "/keypoints.csv"):
            assert_problem(stranger.get(f"/v1/jobs/{job}{path}"), 404, "job_not_found")
        assert_problem(stranger.delete(f"/v1/jobs/{job}"), 404, "job_not_found")
        assert_problem(stranger.post(f"/v1/jobs/{job}/shares"), 404, "job_not_found")
        assert owner.get(f"/v1/jobs/{job}").status_code == 200
        assert owner.get("/v1/session").json()["usage"]["jobs"] == 1
        secrets = {who.get("/v1/session").json()["webhook_secret"] for who in (owner, stranger)}
        assert len(secrets) == 2


def test_keys_receive_events_of_their_own_jobs_only(url: str, keys: ApiKeys) -> None:
    (_, one), (_, other) = keys.create("hears-1"), keys.create("hears-2")
    with user(url, one) as owner, user(url, other) as stranger:
        with stranger.stream("GET", "/v1/events") as stream:
            assert stream.status_code == 200
            hidden, shown = submit(owner), submit(stranger)
            lines = iter(stream.iter_lines())
            heard = next(line for line in lines if hidden in line or shown in line)
        assert shown in heard


def test_keys_see_their_own_uploads_only(url: str, keys: ApiKeys) -> None:
    (_, one), (_, other) = keys.create("sends-1"), keys.create("sends-2")
    with user(url, one) as owner, user(url, other) as stranger:
        made = owner.post("/v1/uploads", json={"name": "clip.mp4", "size": 9}).json()
        path = f"/v1/uploads/{made['id']}"
        for method, place in (
            ("GET", path),
            ("PUT", f"{path}/parts/1"),
            ("GET", f"{path}/parts/1/url"),
            ("POST", f"{path}/complete"),
            ("DELETE", path),
        ):
            assert stranger.request(method, place).status_code == 404, (method, place)
        assert owner.put(f"{path}/parts/1", content=b"123456789").status_code == 204
        assert owner.post(f"{path}/complete").status_code == 201
        assert_problem(stranger.get(f"/v1/jobs/{made['id']}"), 404, "job_not_found")
        assert owner.get("/v1/session").json()["usage"]["bytes"] == 9


def test_stored_objects_do_not_reveal_the_secret(stack: Stack, keys: ApiKeys) -> None:
    key, whole = keys.create("kept")
    secret = whole.rpartition("_")[2]
    kept = [stack.store.get(item.key)[0].decode() for item in stack.store.walk("keys/")]
    assert any(key.id in text for text in kept)
    assert not any(secret in text for text in kept)


def test_rotated_key_keeps_its_jobs_and_loses_its_old_secret(url: str, keys: ApiKeys) -> None:
    _, old = keys.create("turns")
    with user(url, old) as before:
        job = submit(before)
        _, new = keys.rotate("turns")
        with user(url, new) as after:
            time.sleep(1)  # the gateway reads a key again if its secret does not match
            assert after.get(f"/v1/jobs/{job}").status_code == 200
        assert until_refused(before) < REVOKED_WITHIN_SECONDS
        assert_problem(before.get("/v1/jobs"), 401, "key_unknown")


def test_revoked_key_is_refused_soon_and_its_streams_end(
    stack: Stack, url: str, keys: ApiKeys
) -> None:
    key, whole = keys.create("leaves")
    ended = threading.Event()

    def watch() -> None:
        with user(url, whole) as watcher, watcher.stream("GET", f"/v1/jobs/{job}/events") as stream:
            for _ in stream.iter_lines():
                begun.set()
        ended.set()

    begun = threading.Event()
    with user(url, whole) as leaver:
        job = submit(leaver)
        # As if it were still running: the end of the job would end the stream anyway.
        stack.store.put(f"jobs/{job}/status.json", b'{"state": "running"}', "application/json")
        thread = threading.Thread(target=watch)
        thread.start()
        assert begun.wait(20)
        keys.revoke(key.id)
        assert until_refused(leaver) < REVOKED_WITHIN_SECONDS
        assert ended.wait(REVOKED_WITHIN_SECONDS)
        thread.join()


def test_similar_names_are_distinguished(keys: ApiKeys) -> None:
    key, _ = keys.create(" lab 7 ")
    assert key.name == "lab 7"
    with pytest.raises(ConflictError, match="lab 7"):
        keys.create("lab 7")
    for wrong in ("", "   ", "x" * 101, "a\nb"):
        with pytest.raises(InvalidRequestError):
            keys.create(wrong)
    keys.revoke("lab 7")
    with pytest.raises(NotFoundError, match="lab 7"):
        keys.rotate("lab 7")
    keys.create("lab 7")
    keys.revoke("lab 7")


def test_keys_command_of_operators(stack: Stack, url: str) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "poseway_gateway.admin.keys", *words]
        env = gateway_env(stack, {})
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    limits = ("--requests-per-minute", "50", "--jobs-per-day", "2", "--gigabytes-per-day", "0.5")
    whole = run("create", "by-operator", *limits).stdout.strip()
    with user(url, whole) as client:
        assert client.get("/v1/session").json()["limits"] == {
            "requests_per_minute": 50,
            "jobs_per_day": 2,
            "bytes_per_day": 500_000_000,
        }
    (line,) = [text for text in run("list").stdout.splitlines() if "by-operator" in text]
    assert line.split("\t")[1:4:2] == ["by-operator", "valid"]
    assert "2 jobs a day" in line
    assert whole.split("_")[1] in line
    assert run("rotate", "by-operator").stdout.strip() != whole
    assert "revoked" in run("revoke", "by-operator").stdout
    gone = run("revoke", "by-operator")
    assert gone.returncode == 5
    assert "by-operator" in gone.stderr
    wrong = run("create", "x", "--requests-per-minute", "0")
    assert wrong.returncode == 1
    assert "requests per minute" in wrong.stderr


def test_keys_command_of_a_local_system(stack: Stack, url: str, tmp_path: Path) -> None:
    def run(*words: str, data_dir: Path = stack.data_dir) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from poseway.cli import app; app()", "keys", *words]
        command += ["--data-dir", str(data_dir)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    whole = run("create", "by-hand", "--jobs-per-day", "5").stdout.strip()
    with user(url, whole) as client:
        assert client.get("/v1/session").json()["limits"]["jobs_per_day"] == 5
    assert "by-hand" in run("list").stdout
    assert run("rotate", "by-hand").stdout.startswith(whole[:12])
    assert run("revoke", "by-hand").returncode == 0
    assert "revoked" in run("list").stdout
    nowhere = run("list", data_dir=tmp_path)
    assert nowhere.returncode == 1
    assert "poseway up" in nowhere.stderr
    assert (stack.data_dir / "stack.json").stat().st_mode & 0o777 == 0o600
