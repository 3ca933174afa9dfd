"""A small MinIO for the set-up's requests: lifecycle rules of a bucket, users, policies."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from minio.crypto import decrypt
from urllib3.response import BaseHTTPResponse

ROOT_USER = "root"
ROOT_PASSWORD = "".join(["not", "a", "secret"])

_NO_RULES = "<Error><Code>NoSuchLifecycleConfiguration</Code></Error>"


class _Sent(BytesIO):
    def release_conn(self) -> None:
        pass


class MinioServer(ThreadingHTTPServer):
    """The server.

    Attributes:
        url: Address of the server.
        buckets: Lifecycle rules of each bucket as they were sent; None without rules.
        users: Secrets by user.
        policies: Policies by name.
        attached: Policy of each user.
        troubles: Error statuses and codes for the next requests.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.buckets: dict[str, bytes | None] = {}
        self.users: dict[str, str] = {}
        self.policies: dict[str, dict[str, Any]] = {}
        self.attached: dict[str, str] = {}
        self.troubles: list[tuple[int, str]] = []

    def bucket(self, method: str, name: str, query: str, body: bytes) -> tuple[int, bytes]:
        """Handles a request to the S3 API."""
        if "lifecycle" in query and method == "PUT":
            self.buckets[name] = body
        elif "lifecycle" in query:
            rules = self.buckets[name]
            return (404, _NO_RULES.encode()) if rules is None else (200, rules)
        elif method == "PUT":
            self.buckets.setdefault(name, None)
        elif name not in self.buckets:
            return 404, b""
        return 200, b""

    def admin(self, command: str, asked: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Handles a request to the admin API."""
        if command == "add-user":
            sent = cast("BaseHTTPResponse", _Sent(body))
            user = json.loads(decrypt(sent, ROOT_PASSWORD))
            assert user["status"] == "enabled"
            self.users[asked["accessKey"]] = user["secretKey"]
        elif command == "add-canned-policy":
            self.policies[asked["name"]] = json.loads(body)
        elif command == "set-user-or-group-policy":
            if asked["userOrGroup"] not in self.users or asked["policyName"] not in self.policies:
                return 404, b'{"Code": "XMinioAdminNoSuchUser"}'
            self.attached[asked["userOrGroup"]] = asked["policyName"]
        else:
            return 404, b""
        return 200, b""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: MinioServer

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urlsplit(self.path)
        asked = {name: value for name, (value,) in parse_qs(url.query).items()}
        if self.server.troubles:
            status, code = self.server.troubles.pop(0)
            answer = f"<Error><Code>{code}</Code><Message>as told</Message></Error>".encode()
        elif f"Credential={ROOT_USER}/" not in self.headers["Authorization"]:
            status, answer = 403, b"<Error><Code>InvalidAccessKeyId</Code></Error>"
        elif url.path.startswith("/minio/admin/v3/"):
            status, answer = self.server.admin(url.path.rpartition("/")[2], asked, body)
        else:
            name = url.path.strip("/")
            status, answer = self.server.bucket(self.command, name, url.query, body)
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def do_GET(self) -> None:
        self._any()

    def do_HEAD(self) -> None:
        self._any()

    def do_PUT(self) -> None:
        self._any()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def minio_server() -> Iterator[MinioServer]:
    """Runs the server for the block."""
    with MinioServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
