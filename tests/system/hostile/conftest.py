"""Gateways for hostile clients."""

import re
import resource
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from poseway.api_keys import ApiKeys
from poseway.local.stack import Stack
from tests.support.gateways import KEYS, gateway
from tests.system.hostile.http_raw import PATIENCE

# Long enough for a busy machine, on which a test may stall for some seconds.
HASTY_SECONDS = 8


@dataclass
class Keyless:
    """A gateway without keys."""

    url: str
    stack: Stack

    def client(self) -> httpx.Client:
        """A client that sends valid requests."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE)

    def figure(self, name: str) -> float:
        """The value of a metric."""
        told = httpx.get(f"{self.url}/metrics", timeout=PATIENCE).text
        found = re.search(rf"^{name} (\S+)$", told, re.M)
        assert found is not None, name
        return float(found[1])

    def stored(self) -> set[str]:
        """Keys of stored uploads: complete ones, unfinished ones, and their parts."""
        store = self.stack.store
        begun = store.client.list_multipart_uploads(Bucket=store.bucket).get("Uploads", [])
        places = ("uploads/", "pending/")
        return {found.key for place in places for found in store.walk(place)} | {
            f"parts of {found['Key']}" for found in begun
        }


@dataclass
class Keyed:
    """A gateway that requires keys, allows four event streams and accepts one origin."""

    url: str
    keys: list[str]

    def bearer(self, number: int) -> bytes:
        """The authorization header of one of three keys."""
        return f"Authorization: Bearer {self.keys[number]}\r\n".encode()


LISTED = "https://lab.example"


@pytest.fixture(scope="session")
def calm(stack: Stack) -> Keyless:
    """A gateway with default timeouts."""
    return Keyless(stack.gateway_url, stack)


@pytest.fixture(scope="session")
def hasty(stack: Stack) -> Iterator[Keyless]:
    """A gateway with short timeouts."""
    env = {
        "POSEWAY_HEAD_SECONDS": str(HASTY_SECONDS),
        "POSEWAY_SILENCE_SECONDS": str(HASTY_SECONDS),
        "POSEWAY_MAX_EVENT_STREAMS": "2000",
    }
    # The usual limit of open files, which the gateway must raise itself.
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, limit), most))
    with gateway(stack, env) as url:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
        yield Keyless(url, stack)


@pytest.fixture(scope="session")
def keyed(stack: Stack) -> Iterator[Keyed]:
    keys = ApiKeys(stack.store)
    names = [f"hostile {number}" for number in range(3)]
    texts = [keys.create(name)[1] for name in names]
    env = {
        "POSEWAY_SILENCE_SECONDS": str(HASTY_SECONDS),
        "POSEWAY_MAX_EVENT_STREAMS": "4",
        "POSEWAY_CORS_ORIGINS": LISTED,
    }
    with gateway(stack, {**KEYS, **env}) as url:
        yield Keyed(url, texts)
    for name in names:
        keys.revoke(name)
