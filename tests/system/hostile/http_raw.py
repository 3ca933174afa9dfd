"""A client that sends arbitrary bytes, because libraries only send valid requests.

Every response goes through `Answer.check`: it must reveal nothing about the server and carry the
headers that all responses have.
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
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """Error code of a problem; empty for any other response."""
        if self.headers.get("content-type") != "application/problem+json":
            return ""
        return str(json.loads(self.body)["code"])

    def json(self) -> Any:  # noqa: ANN401 # any JSON
        return json.loads(self.body)

    def check(self, asked: bytes) -> None:
        """Fails if the response reveals internals or lacks a header that all responses have."""
        told = f"{self.headers} {self.body.decode(errors='replace')}"
        # The request may be quoted.
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
        """Sends bytes; ignores that the server may have closed the connection."""
        self._sent += data
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def answers(self) -> list[Answer]:
        """All responses until the server closes the connection; raises after a timeout."""
        came = b""
        try:
            while piece := self.socket.recv(1 << 16):
                came += piece
        except ConnectionError:
            pass  # the server rejected the rest of the request
        found = parse(came)
        for answer in found:
            answer.check(self._sent)
        return found

    def first(self) -> Answer:
        """One response; the connection stays open."""
        with HTTPResponse(self.socket) as response:
            response.begin()
            answer = _read(response)
        answer.check(self._sent)
        return answer

    def seconds_open(self) -> float:
        """Seconds until the server closes the connection."""
        began = time.monotonic()
        self.answers()
        return time.monotonic() - began

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


class _Bytes:
    """Received bytes, for the parser of the standard library."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)
        self.file.close = lambda: None  # type: ignore[method-assign] # there may be another answer

    def makefile(self, *_: object, **__: object) -> io.BytesIO:
        return self.file


def parse(data: bytes) -> list[Answer]:
    """Parses consecutive responses; an event stream may break off."""
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
    """A complete request that asks the server to close the connection."""
    host = host or url.removeprefix("http://").encode()
    head = b"%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n" % (method, target, host)
    return head + headers + b"\r\n" + body


def ask(url: str, data: bytes) -> list[Answer]:
    """Sends exactly these bytes and returns the responses."""
    with Raw(url) as raw:
        raw.send(data)
        return raw.answers()


def get(url: str, target: bytes, headers: bytes = b"", *, host: bytes = b"") -> Answer:
    """Sends a GET and returns the response."""
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
