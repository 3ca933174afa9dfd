"""Start-up checks: a gateway that other machines reach needs keys."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from pydantic import SecretStr, ValidationError

from poseway.api_keys import ApiKeys
from poseway.local.bucket import make_first_key
from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from poseway.settings import StorageSettings
from poseway.storage import ObjectStore
from poseway_gateway.api.settings import ApiSettings
from tests.support.gateways import KEYS, gateway, gateway_env, user

EMPTY = {"POSEWAY_BUCKET": "without-keys"}
FIRST = "pw_00000003_" + "ef" * 20


@pytest.fixture(scope="module")
def empty(stack: Stack) -> Iterator[ObjectStore]:
    """A bucket without keys."""
    settings = StorageSettings(
        s3_endpoint=stack.env["POSEWAY_S3_ENDPOINT"],
        s3_access_key=stack.env["POSEWAY_S3_ACCESS_KEY"],
        s3_secret_key=SecretStr(stack.env["POSEWAY_S3_SECRET_KEY"]),
        bucket=EMPTY["POSEWAY_BUCKET"],
    )
    store = ObjectStore(settings)
    store.ensure_bucket()
    yield store
    store.client.close()


def start(stack: Stack, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs a gateway that is expected to exit by itself."""
    command = [sys.executable, "-m", "poseway_gateway.api"]
    return subprocess.run(
        command,
        env=gateway_env(stack, env),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("env", [{"POSEWAY_HOST": "0.0.0.0"}, KEYS])
def test_gateway_does_not_start_without_keys(stack: Stack, env: dict[str, str]) -> None:
    ended = start(stack, {**EMPTY, **env})
    assert ended.returncode == 1
    for advice in ("poseway_gateway.admin.keys create", "POSEWAY_FIRST_KEY", "POSEWAY_AUTH=off"):
        assert advice in ended.stderr


@pytest.mark.usefixtures("empty")
def test_gateway_starts_without_keys_if_auth_is_off(stack: Stack) -> None:
    env = {**EMPTY, "POSEWAY_HOST": "0.0.0.0", "POSEWAY_AUTH": "off"}
    with gateway(stack, env) as url, user(url) as client:
        # With any host name, since the operator chose this.
        assert client.get("/v1/jobs", headers={"Host": "pose.example"}).status_code == 200


@pytest.mark.usefixtures("empty")
def test_key_from_the_settings_suffices(stack: Stack) -> None:
    env = {**EMPTY, "POSEWAY_HOST": "0.0.0.0", "POSEWAY_FIRST_KEY": FIRST}
    with gateway(stack, env) as url, user(url, FIRST) as client, user(url) as anonymous:
        assert client.get("/v1/jobs").status_code == 200
        assert anonymous.get("/v1/jobs").status_code == 401


def test_key_from_the_settings_must_be_well_formed(stack: Stack) -> None:
    ended = start(stack, {"POSEWAY_FIRST_KEY": "secret123"})
    assert ended.returncode == 1
    assert "openssl" in ended.stderr
    assert "secret123" not in ended.stderr
    with pytest.raises(ValidationError, match="32"):
        ApiSettings(signing_key=SecretStr("short"))


def test_invalid_proxy_network_is_rejected(stack: Stack) -> None:
    ended = start(stack, {"POSEWAY_TRUSTED_PROXIES": "10.0.0.1/8"})
    assert ended.returncode == 1
    assert "'10.0.0.1/8' is neither an address nor a network" in ended.stderr


@pytest.mark.parametrize(
    ("before", "now", "warned"),
    [("10.0.0.1", "", True), ("10.0.0.1", "::1", False), ("", "", False)],
)
def test_former_proxy_setting_is_warned_about(
    stack: Stack, before: str, now: str, *, warned: bool
) -> None:
    # It cannot listen, so it exits after the warning.
    env = {"POSEWAY_HOST": "192.0.2.1", "POSEWAY_AUTH": "off"}
    proxies = {"FORWARDED_ALLOW_IPS": before, "POSEWAY_TRUSTED_PROXIES": now}
    ended = start(stack, {**env, **proxies})
    warnings = [line for line in ended.stderr.splitlines() if "FORWARDED_ALLOW_IPS" in line]
    assert len(warnings) == warned
    assert all("POSEWAY_TRUSTED_PROXIES" in line and '"warning"' in line for line in warnings)


def test_gateway_without_object_storage_starts_and_refuses_access(stack: Stack) -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    env = gateway_env(stack, {**KEYS, "POSEWAY_S3_ENDPOINT": nowhere})
    command = [sys.executable, "-m", "poseway_gateway.api"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            while "startup complete" not in (line := process.stderr.readline()):
                assert line
            url = f"http://127.0.0.1:{env['POSEWAY_PORT']}"
            for _ in range(50):
                if "running on" in process.stderr.readline():
                    break
            with user(url, FIRST) as client, user(url) as anonymous:
                assert client.get("/v1/jobs").status_code == 503
                assert anonymous.get("/v1/jobs").status_code == 401
        finally:
            process.terminate()


def test_local_system_creates_the_first_key_if_needed(empty: ObjectStore) -> None:
    keys = ApiKeys(empty)
    assert make_first_key(empty, "127.0.0.1", {}) is None
    assert make_first_key(empty, "0.0.0.0", {"POSEWAY_AUTH": "off"}) is None
    assert make_first_key(empty, "0.0.0.0", {"POSEWAY_FIRST_KEY": FIRST}) is None
    assert keys.all() == []
    whole = make_first_key(empty, "0.0.0.0", {})
    assert whole is not None
    (key,) = keys.valid()
    assert (key.name, key.fits(whole.rpartition("_")[2])) == ("first", True)
    assert make_first_key(empty, "0.0.0.0", {}) is None
    keys.revoke("first")
    assert make_first_key(empty, "127.0.0.1", KEYS) is not None
    empty.delete_prefix("keys/")
