"""Unknown API keys cost little and affect no other client."""

import asyncio

import pytest
from pydantic import SecretStr

from poseway.api_keys import ApiKeys
from poseway.local.stack import Stack
from poseway_gateway.api.access import keyring
from poseway_gateway.api.access.thread_pool import AccessExecutor
from poseway_gateway.api.settings import ApiSettings
from tests.support.gateways import KEYS, assert_problem, gateway, user

FIRST = "pw_00000002_" + "ab" * 20


def unknown(number: int) -> str:
    return f"pw_{number:08x}_" + "cd" * 20


def test_guessing_is_limited_but_not_keys_in_use(stack: Stack) -> None:
    _, key = ApiKeys(stack.store).create("in use")
    with (
        gateway(stack, {**KEYS, "POSEWAY_FIRST_KEY": FIRST}) as url,
        user(url) as guesser,
        user(url, key) as known,
        user(url, FIRST) as first,
    ):
        assert known.get("/v1/models").status_code == 200

        def guess(number: int) -> int:
            headers = {"Authorization": f"Bearer {unknown(number)}"}
            return guesser.get("/v1/models", headers=headers).status_code

        assert {guess(0x100 + number) for number in range(60)} == {401}
        refused = guesser.post("/v1/session", json={"key": unknown(0x200)})
        assert_problem(refused, 429, "rate_limited")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert guess(0x201) == 429
        assert known.get("/v1/models").status_code == 200
        assert first.get("/v1/models").status_code == 200
    ApiKeys(stack.store).revoke("in use")


def test_unknown_keys_evict_no_known_key(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "_MAX_CACHED", 2)
    key, text = ApiKeys(stack.store).create("remembered")
    settings = ApiSettings(auth="keys", first_key=SecretStr(FIRST))
    ring = keyring.KeyRing(stack.store, AccessExecutor(), settings)

    async def run() -> None:
        assert await ring.check(text) is not None
        for number in range(5):
            assert await ring.check(unknown(0x300 + number)) is None
            assert ring.is_guess(unknown(0x300 + number))
        stack.store.delete(f"keys/{key.id}.json")
        # It was read moments ago, so it is served from the cache.
        assert await ring.check(text) is not None
        assert not ring.is_guess(text)
        assert not ring.is_guess(FIRST)

    asyncio.run(run())
