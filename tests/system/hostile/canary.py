"""A file and a server that must never be read, and that report it if they are."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from tests.support.videos import make_video

SIZE = (48, 80)
"""Width and height of the canary's picture, which no other file has."""


class Canary:
    """A video on disk, and one behind HTTP.

    Attributes:
        file: The one on disk; `touched` reports whether it was read.
        requests: Paths that the server was asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "canary.mp4"
        self.file.write_bytes(video())
        self.requests: list[str] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(video())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.arm()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/canary.mp4"

    def arm(self) -> None:
        """Resets it. The access time becomes 0, because Linux updates a recent one only daily."""
        self.requests.clear()
        os.utime(self.file, ns=(0, self.file.stat().st_mtime_ns))

    def touched(self) -> bool:
        """Whether the file was read."""
        return self.file.stat().st_atime_ns != 0

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def video() -> bytes:
    return make_video(3, picture=lambda _: np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
