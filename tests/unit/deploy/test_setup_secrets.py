"""The secrets of a cluster are created once and appear in no log."""

import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import kubernetes_validate
import pytest

from deploy.setup import secrets
from deploy.setup.cluster import Cluster
from poseway.api_keys import split
from poseway.errors import PosewayError, UnavailableError
from poseway.local.ports import free_ports
from poseway_gateway.api.settings import ApiSettings
from tests.support.deploy.kubernetes_api import NAMESPACE, KubernetesApi, kubernetes_api

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")

PATH = f"/api/v1/namespaces/{NAMESPACE}/secrets"
VALUES = {name: make() for name, make in secrets.MADE.items()}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[KubernetesApi]:
    with kubernetes_api(tmp_path) as running:
        yield running


def run(api: KubernetesApi, *names: str, patience: float = 10) -> None:
    with Cluster(api.url, api.account, patience) as cluster:
        secrets.make(cluster, list(names) or list(secrets.MADE))


def held(api: KubernetesApi) -> dict[str, dict[str, str]]:
    return {name: secret["stringData"] for name, secret in api.secrets.items()}


def test_created_secrets_are_valid(api: KubernetesApi) -> None:
    run(api)
    assert set(api.secrets) == {"storage", "minio-root", "queue", "access"}
    for secret in api.secrets.values():
        kubernetes_validate.validate(secret, "1.37", strict=True)
        assert secret["metadata"]["labels"] == {"app.kubernetes.io/part-of": "poseway"}
    # The only request that the role allows.
    assert set(api.requests) == {("POST", PATH)}


def test_secrets_contain_what_services_read() -> None:
    assert {name: set(values) for name, values in VALUES.items()} == {
        "storage": {"POSEWAY_S3_ACCESS_KEY", "POSEWAY_S3_SECRET_KEY"},
        "minio-root": {"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD"},
        "queue": {"POSEWAY_NATS_TOKEN"},
        "access": {"POSEWAY_FIRST_KEY", "POSEWAY_SIGNING_KEY"},
    }
    access = VALUES["access"]
    assert split(access["POSEWAY_FIRST_KEY"])
    settings = ApiSettings.model_validate(
        {name.removeprefix("POSEWAY_").lower(): value for name, value in access.items()}
    )
    assert settings.first_key is not None
    assert settings.signing_key is not None
    # MinIO's limits for the names and passwords of users.
    for user in (
        VALUES["storage"]["POSEWAY_S3_ACCESS_KEY"],
        VALUES["minio-root"]["MINIO_ROOT_USER"],
    ):
        assert 3 <= len(user) <= 20
    # NATS parses a value that starts with a digit as a number.
    assert VALUES["queue"]["POSEWAY_NATS_TOKEN"][0].isalpha()


@pytest.mark.parametrize(
    "place",
    [
        ("storage", "POSEWAY_S3_SECRET_KEY"),
        ("minio-root", "MINIO_ROOT_PASSWORD"),
        ("queue", "POSEWAY_NATS_TOKEN"),
        ("access", "POSEWAY_FIRST_KEY"),
        ("access", "POSEWAY_SIGNING_KEY"),
    ],
)
def test_secrets_are_unpredictable(place: tuple[str, str]) -> None:
    name, key = place
    made = {secrets.MADE[name]()[key] for _ in range(100)}
    assert len(made) == 100
    random = min((value.rpartition("_")[2] for value in made), key=len)
    assert len(random) * 4 >= 160
    assert set(random) <= set("0123456789abcdef")


def test_existing_secrets_are_kept(api: KubernetesApi) -> None:
    own = {"metadata": {"name": "queue"}, "stringData": {"POSEWAY_NATS_TOKEN": "the operator's"}}
    api.secrets["queue"] = own
    run(api)
    first = held(api)
    run(api)
    assert held(api) == first
    assert api.secrets["queue"] == own


def test_only_requested_secrets_are_created(api: KubernetesApi) -> None:
    run(api, "queue", "access")
    assert set(api.secrets) == {"queue", "access"}


def test_unknown_name_is_rejected_before_anything_is_created(api: KubernetesApi) -> None:
    with pytest.raises(PosewayError, match=r"'acess'.*storage, minio-root, queue, access"):
        run(api, "queue", "acess")
    assert not api.secrets


def test_concurrent_runs_agree(api: KubernetesApi) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(run, api) for _ in range(8)]:
            done.result()
    assert set(api.secrets) == set(secrets.MADE)
    assert len(api.requests) == 8 * len(secrets.MADE)


def test_missing_permission_fails_at_once(api: KubernetesApi) -> None:
    api.troubles = [403]
    with pytest.raises(PosewayError, match=r"Secret queue cannot be made.*403.*forbidden"):
        run(api, "queue")
    assert len(api.requests) == 1


def test_unknown_account_fails_at_once(api: KubernetesApi) -> None:
    (api.account / "token").write_text("of somebody else")
    with pytest.raises(PosewayError, match=r"401.*Unauthorized"):
        run(api, "queue")


def test_busy_server_is_retried(api: KubernetesApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.setup.cluster._PAUSE_SECONDS", 0)
    api.troubles = [503, 429, 500]
    run(api, "queue")
    assert set(api.secrets) == {"queue"}
    assert len(api.requests) == 4


def test_persistently_busy_server_is_reported(api: KubernetesApi) -> None:
    api.troubles = [503]
    with pytest.raises(UnavailableError, match="answers 503"):
        run(api, "queue", patience=-1)


def test_unreachable_server_is_reported(api: KubernetesApi) -> None:
    api.url = f"https://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(UnavailableError, match="cannot be reached"):
        run(api, "queue", patience=-1)


def test_server_with_an_untrusted_certificate_gets_nothing(
    api: KubernetesApi, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with kubernetes_api(other) as stranger:
        stranger.account = api.account
        with pytest.raises(UnavailableError, match=r"(?i)certificate"):
            run(stranger, "queue", patience=-1)
        assert not stranger.requests


def test_missing_service_account_is_explained(tmp_path: Path) -> None:
    with pytest.raises(PosewayError, match="service account"):
        Cluster("https://127.0.0.1:1", tmp_path)


def start(api: KubernetesApi, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Runs the command in this process, with the server's service account."""
    monkeypatch.setattr(secrets, "Cluster", lambda url: Cluster(url, api.account))
    monkeypatch.setattr(sys, "argv", ["secrets", *arguments])
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.server_port))
    secrets.main()


def test_command_logs_names_without_values(
    api: KubernetesApi, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POSEWAY_LOG_LEVEL", "DEBUG")
    start(api, monkeypatch)
    start(api, monkeypatch, "storage")
    assert set(api.secrets) == set(secrets.MADE)
    out, log = capfd.readouterr()
    assert "minio-root" in log
    assert "kept" in log
    for values in held(api).values():
        for key, value in values.items():
            # The user name is not secret.
            assert key == "POSEWAY_S3_ACCESS_KEY" or value not in out + log


def test_command_exits_with_the_error(api: KubernetesApi, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="There is no secret 'x'"):
        start(api, monkeypatch, "x")
