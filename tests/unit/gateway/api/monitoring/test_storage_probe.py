"""The storage probe, also against a server that accepts connections and never answers."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from poseway.errors import UnavailableError
from poseway.settings import StorageSettings
from poseway.storage import ObjectStore
from poseway_gateway.api.monitoring.storage_probe import StorageProbe


@pytest.fixture
def silent() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def reach_of(endpoint: str) -> StorageProbe:
    secret = SecretStr("secret")
    settings = StorageSettings(s3_endpoint=endpoint, s3_access_key="key", s3_secret_key=secret)
    return StorageProbe(ObjectStore(settings))


async def ask(reach: StorageProbe, count: int) -> int:
    """Runs `count` checks at once; returns how many timed out."""

    async def once() -> bool:
        try:
            async with asyncio.timeout(0.2):
                await reach.check()
        except TimeoutError:
            return True
        return False

    return sum(await asyncio.gather(*(once() for _ in range(count))))


def test_silent_storage_takes_one_thread_and_does_not_delay_exit(silent: str) -> None:
    began = time.monotonic()

    async def run() -> int:
        reach = reach_of(silent)
        given_up = await ask(reach, 10) + await ask(reach, 10)
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("storage-probe") == 1
        return given_up

    assert asyncio.run(run()) == 20
    # By default, the client gives up only after minutes.
    assert time.monotonic() - began < 30


def test_unexpected_error_is_raised_and_the_probe_repeats() -> None:
    class Odd(ObjectStore):
        asked = 0

        def __init__(self) -> None:
            pass

        def check(self) -> None:
            self.asked += 1
            if self.asked == 1:
                raise RuntimeError("odd")

    async def run() -> None:
        reach = StorageProbe(store)
        with pytest.raises(RuntimeError, match="odd"):
            await reach.check()
        await reach.check()

    store = Odd()
    asyncio.run(asyncio.wait_for(run(), 60))
    assert store.asked == 2


def test_unreachable_storage_is_reported(silent: str) -> None:
    away = silent.rpartition(":")[0] + ":1"
    with pytest.raises(UnavailableError):
        asyncio.run(reach_of(away).check())
