"""More gateways on the storage of the running system, with other settings."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from poseway.local.ports import free_ports
from poseway.local.probes import is_ready
from poseway.local.stack import Stack

KEYS = {"POSEWAY_AUTH": "keys"}


def gateway_env(stack: Stack, env: dict[str, str]) -> dict[str, str]:
    """The environment of a gateway on the system's storage, on a free port."""
    port = str(free_ports(1)[0])
    return {**os.environ, **stack.env, "POSEWAY_PORT": port, **env}


@contextmanager
def gateway(
    stack: Stack,
    env: dict[str, str],
    command: Sequence[str] = (sys.executable, "-m", "poseway_gateway.api"),
) -> Iterator[str]:
    """Runs a gateway for the block and yields its address."""
    whole = gateway_env(stack, env)
    url = f"http://127.0.0.1:{whole['POSEWAY_PORT']}"
    with subprocess.Popen(command, env=whole) as process:
        try:
            while not is_ready(url):
                assert process.poll() is None
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def user(url: str, key: str = "") -> httpx.Client:
    """An HTTP client with an API key, or without."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=url, headers=headers, timeout=60)


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def submit(client: httpx.Client, data: bytes = b"not a video") -> str:
    """Uploads a file and returns the job's id."""
    answer = client.post("/v1/jobs", files={"video": ("clip.mp4", data)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
