"""A small Kubernetes API over TLS that creates secrets like the real one, and does nothing else."""

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMESPACE = "poseway"
BEARER = "Bearer of-a-service-account"


class KubernetesApi(ThreadingHTTPServer):
    """The server.

    Attributes:
        url: Address of the server.
        account: Folder of a service account that may create secrets.
        secrets: Created secrets by name.
        requests: Methods and paths of all requests.
        troubles: Error statuses for the next requests.
    """

    request_queue_size = 64

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.account = folder / "account"
        self.account.mkdir()
        key = folder / "key.pem"
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
            "-subj /CN=kubernetes -addext subjectAltName=IP:127.0.0.1"
        )
        files = ["-keyout", str(key), "-out", str(self.account / "ca.crt")]
        subprocess.run([*command.split(), *files], check=True, capture_output=True)
        (self.account / "token").write_text(BEARER.removeprefix("Bearer ") + "\n")
        (self.account / "namespace").write_text(NAMESPACE)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.account / "ca.crt", key)
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )
        self.url = f"https://127.0.0.1:{self.server_port}"
        self.secrets: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.troubles: list[int] = []
        self.changing = threading.Lock()

    def handle_error(self, *_: object) -> None:
        """Ignores callers that hang up because they do not trust the server."""

    def make(self, secret: dict[str, Any]) -> tuple[int, str]:
        """Creates a secret. Returns status and message of the response."""
        name = secret["metadata"]["name"]
        with self.changing:
            if self.troubles:
                status = self.troubles.pop(0)
                return status, f'secrets is forbidden: status {status} for "{name}"'
            if name in self.secrets:
                return 409, f'secrets "{name}" already exists'
            self.secrets[name] = secret
        return 201, "made"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: KubernetesApi

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.changing:
            self.server.requests.append((self.command, self.path))
        if self.headers["Authorization"] != BEARER:
            self._answer(401, "Unauthorized")
        elif self.path != f"/api/v1/namespaces/{NAMESPACE}/secrets":
            self._answer(404, "the server could not find the requested resource")
        else:
            self._answer(*self.server.make(json.loads(body)))

    def _answer(self, status: int, message: str) -> None:
        made = {"kind": "Secret"} if status == 201 else {"kind": "Status", "message": message}
        body = json.dumps(made).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def kubernetes_api(folder: Path) -> Iterator[KubernetesApi]:
    """Runs the server for the block."""
    with KubernetesApi(folder) as api:
        thread = threading.Thread(target=api.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield api
        finally:
            api.shutdown()
            thread.join()
