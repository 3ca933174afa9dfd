"""A client that says exactly what it is told to: libraries are too polite to try a server.

Whatever is answered goes through `Answer.check`, so every test sees to that no answer tells of the
server, and that each carries the headers that every answer must.
"""

import contextlib
import io
import json
import re
import socket
import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any, Final, cast

from poseway.paths import ROOT

FOREIGN: Final = "https://evil.example"
PATIENCE: Final = 60.0
_TOLD: Final = re.compile(
    rf"Traceback|File \"|site-packages|\.py\b|/tmp/|/etc/|/home/|/root/|{re.escape(str(ROOT))}"
)
_CARRIED: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
}
_CSP: Final = ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """That of a problem; empty if there is none."""
        if self.headers.get("content-type") != "application/problem+json":
            return ""
        return str(json.loads(self.body)["code"])

    def json(self) -> Any:  # noqa: ANN401 # whatever was answered
        return json.loads(self.body)

    def check(self, asked: bytes) -> None:
        """Fails if it tells what it should not, or lacks what every answer has."""
        told = f"{self.headers} {self.body.decode(errors='replace')}"
        # What was sent may be told again.
        found = {word for word in _TOLD.findall(told) if word.encode() not in asked}
        assert not found, told
        for name, value in _CARRIED.items():
            assert self.headers.get(name) == value, (name, self)
        for directive in _CSP:
            assert directive in self.headers["content-security-policy"], self
        assert "access-control-allow-origin" not in self.headers
        assert "server" not in self.headers
        if self.status >= 400:
            assert self.headers["content-type"] == "application/problem+json", self
            problem = self.json()
            assert problem["status"] == self.status
            assert problem["code"]
            assert problem["code"] != "internal", self
        if self.status in (429, 503):
            assert int(self.headers["retry-after"]) > 0


class Raw:
    """A connection to a gateway."""

    def __init__(self, url: str) -> None:
        self.host = url.removeprefix("http://")
        name, _, port = self.host.partition(":")
        self.socket = socket.create_connection((name, int(port)), PATIENCE)
        self._sent = b""

    def send(self, data: bytes) -> None:
        """Sends it; a server that has hung up is no error here."""
        self._sent += data
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def answers(self) -> list[Answer]:
        """All that comes until the server ends the connection; too long a wait is an error."""
        came = b""
        try:
            while piece := self.socket.recv(1 << 16):
                came += piece
        except ConnectionError:
            pass  # it did not want what was still being sent
        found = parse(came)
        for answer in found:
            answer.check(self._sent)
        return found

    def first(self) -> Answer:
        """One answer, with the connection left open."""
        with HTTPResponse(self.socket) as response:
            response.begin()
            answer = _read(response)
        answer.check(self._sent)
        return answer

    def seconds_open(self) -> float:
        """How long it takes until the server ends the connection."""
        began = time.monotonic()
        self.answers()
        return time.monotonic() - began

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


class _Bytes:
    """Bytes that came, for the parser of the standard library."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)
        self.file.close = lambda: None  # type: ignore[method-assign] # there may be another answer

    def makefile(self, *_: object, **__: object) -> io.BytesIO:
        return self.file


def parse(data: bytes) -> list[Answer]:
    """The answers one after another in what came; events without end are read as far as they go."""
    came, found = _Bytes(data), list[Answer]()
    while came.file.tell() < len(data):
        response = HTTPResponse(cast("socket.socket", came))
        response.begin()
        found.append(_read(response))
    return found


def _read(response: HTTPResponse) -> Answer:
    try:
        body = response.read()
    except HTTPException:
        body = b""
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body)


def request(
    url: str,
    target: bytes = b"/healthz",
    method: bytes = b"GET",
    headers: bytes = b"",
    body: bytes = b"",
    *,
    host: bytes = b"",
) -> bytes:
    """A whole request, after which the server is to end the connection."""
    host = host or url.removeprefix("http://").encode()
    head = b"%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n" % (method, target, host)
    return head + headers + b"\r\n" + body


def ask(url: str, data: bytes) -> list[Answer]:
    """What is answered to exactly these bytes."""
    with Raw(url) as raw:
        raw.send(data)
        return raw.answers()


def get(url: str, target: bytes, headers: bytes = b"", *, host: bytes = b"") -> Answer:
    """What is answered to a GET."""
    (answer,) = ask(url, request(url, target, headers=headers, host=host))
    return answer


FORM: Final = b"Content-Type: multipart/form-data; boundary=edge\r\n"


def form(
    file: bytes = b"no video", name: bytes = b'filename="a.mp4"', fields: bytes = b""
) -> bytes:
    """The body of a form with a file."""
    head = b'--edge\r\nContent-Disposition: form-data; name="video"; %s\r\n\r\n' % name
    return head + file + b"\r\n--edge--\r\n"


def length(size: int) -> bytes:
    """The header that announces a body."""
    return b"Content-Length: %d\r\n" % size
