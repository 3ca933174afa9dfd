"""Hostile file names: each is treated as text wherever it appears."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import httpx
import pytest

from poseway.client import Client
from poseway.jobs import JobState
from poseway.local.stack import Stack
from tests.support.videos import make_video
from tests.system.hostile.conftest import Keyless
from tests.system.hostile.http_raw import FORM, ask, form, length, request

# As a program that means harm writes them, and what becomes of them.
SENT = (
    (b'filename="../../etc/passwd"', "passwd"),
    (b'filename="..\\..\\x.mp4"', "..\\..\\x.mp4"),
    (b'filename="C:\\x.mp4"', "x.mp4"),
    (b'filename="/etc/passwd\x00.mp4"', "passwd.mp4"),
    (b'filename="a\x01\x1b[31m\x7f.mp4"', "a[31m.mp4"),
    (b'filename="\xe2\x80\xae4pm.exe"', "\u202e4pm.exe"),
    (b'filename="\xe2\x80\xa8\xe2\x81\xa6a.mp4"', "\u2028\u2066a.mp4"),
    (b'filename="a\\"; x=y.mp4"', 'a"; x=y.mp4'),
    (b'filename="a%0d%0aX: y.mp4"', "a\r\nX: y.mp4"),
    (b'filename="a\nX: y.mp4"', None),
    (b'filename="a\r\nContent-Type: text/html\r\n\r\n<b>.mp4"', None),
    (b'filename=""', "video"),
    (b"", "video"),
    (b'filename="/"', "video"),
    (b"filename*=UTF-8''%2e%2e%2fx", "x"),
    (b"filename*=utf-16''%ff", "video"),
    (b'filename="\xff\xfe.mp4"', "\ufffd\ufffd.mp4"),
    (b'filename="\xed\xa0\x80.mp4"', "\ufffd\ufffd\ufffd.mp4"),
    ('filename="🕺 Tänzer 舞.mp4"'.encode(), "🕺 Tänzer 舞.mp4"),
    (b'filename="<img src=x onerror=alert(1)>.mp4"', "<img src=x onerror=alert(1)>.mp4"),
    (b'filename="%s.mp4"' % (b"a" * 1000), "a" * 251 + ".mp4"),
    (b'filename="%s"' % (b"a" * 10_000), None),
)
# What must come through a download as one name. A form cannot have all of them.
WORST = (
    '"; filename=evil.exe; x="', "..", "a\u202e4pm.exe", "🕺 '`$(id)` %0d%0aX: y.mp4", "a\r\nX: y",
    "<script>.mp4",
)  # fmt: skip


def assert_text(name: str) -> None:
    """Checks that a name is not a path and has no control characters except line breaks."""
    assert {c for c in name if unicodedata.category(c) == "Cc"} <= {"\r", "\n"}
    assert "/" not in name
    assert name not in ("", ".", "..")
    assert len(name) <= 255


@pytest.mark.parametrize(("named", "kept"), SENT, ids=lambda value: repr(value)[:30])
def test_a_file_name_in_a_form_is_text_or_is_refused(
    calm: Keyless, named: bytes, kept: str | None
) -> None:
    whole = form(name=named)
    sent = request(calm.url, b"/v1/jobs", b"POST", FORM + length(len(whole)), whole)
    (answer,) = ask(calm.url, sent)
    if kept is None and answer.status != 201:
        assert (answer.status, answer.code) == (400, "not_a_form")
        return
    assert answer.status == 201
    name = answer.json()["name"]
    assert name == kept or kept is None
    assert_text(name)
    with calm.client() as client:
        client.delete(f"/v1/jobs/{answer.json()['id']}")


@pytest.mark.parametrize("name", [*WORST, "a" * 1000, "\x00", "/", "\\"])
def test_a_file_name_in_json_is_text_or_is_refused(calm: Keyless, name: str) -> None:
    with calm.client() as client:
        upload = client.post("/v1/uploads", json={"name": name, "size": 1}).json()
        assert_text(upload["name"])
        assert client.delete(upload["links"]["self"]).status_code == 204
        for wrong in ("", "a" * 1001, None, 5, ["a"], {"a": 1}):
            refused = client.post("/v1/uploads", json={"name": wrong, "size": 1})
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        lone = client.post("/v1/uploads", content=b'{"name": "\\ud800", "size": 1}')
        assert lone.status_code == 422


def test_options_cannot_carry_markup_or_paths(calm: Keyless) -> None:
    for field in (
        b'name="model"\r\n\r\n../../etc/passwd',
        b'name="model"\r\n\r\na\r\nX: y',
        b'name="model\r\nX: y"\r\n\r\na',
        b'name="__class__"\r\n\r\na',
        b'name="crf"\r\n\r\n1e400',
        b'name="webhook_url"\r\n\r\nfile:///etc/passwd',
        b'name="webhook_url"\r\n\r\nhttp://a\r\nX: y/',
        b'name="overlay"\r\n\r\n\xff\xfe',
    ):
        whole = b"--edge\r\nContent-Disposition: form-data; " + field + b"\r\n" + form()
        sent = request(calm.url, b"/v1/jobs", b"POST", FORM + length(len(whole)), whole)
        (answer,) = ask(calm.url, sent)
        assert answer.status in (400, 422), field
        assert answer.code


def test_downloads_have_one_plain_file_name(client: Client, stack: Stack) -> None:
    def made(name: str) -> str:
        with httpx.Client(base_url=stack.gateway_url, timeout=60) as http:
            video = make_video(4)
            upload = http.post("/v1/uploads", json={"name": name, "size": len(video)}).json()
            http.put(upload["links"]["part"].format(number=1), content=video)
            http.post(upload["links"]["complete"])
        job = client.wait(upload["id"])
        assert job.state is JobState.SUCCEEDED
        return job.id

    with ThreadPoolExecutor(3) as pool:
        jobs = list(pool.map(made, WORST))
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as http:
        for job in jobs:
            for file in ("video.mp4", "keypoints.csv", "openpose.zip", "all.zip"):
                answer = http.get(f"/v1/jobs/{job}/{file}")
                kind, _, value = answer.headers["content-disposition"].partition("; ")
                assert kind in ("inline", "attachment")
                # One parameter, encoded: what is not a letter, a digit or one of -._~ has a %.
                assert value.startswith("filename*=UTF-8''")
                plain = value.removeprefix("filename*=UTF-8''")
                assert not set(plain) - set("%-._~") - {c for c in plain if c.isalnum()}
                assert plain.isascii()
                assert unquote(plain).isprintable()
                assert "x" not in answer.headers
            client.delete(job)
