"""The bucket of a cluster: created once, with its lifecycle rules and the services' user."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from pydantic import SecretStr

from deploy.setup import bucket
from deploy.setup.bucket import BucketSettings, prepare
from deploy.setup.rules import lifecycle, policy
from deploy.setup.secrets import MADE
from poseway.errors import PosewayError, UnavailableError
from poseway.local.ports import free_ports
from tests.support.deploy.minio_server import ROOT_PASSWORD, ROOT_USER, MinioServer, minio_server

OURS = {
    "uploads": ("uploads/", "7"),
    "pending": ("pending/", "7"),
    "idempotency": ("idempotency/", "2"),
}


@pytest.fixture
def server() -> Iterator[MinioServer]:
    with minio_server() as running:
        yield running


def settings(url: str, **more: object) -> BucketSettings:
    given = {
        "s3_endpoint": url,
        "s3_access_key": "poseway",
        "s3_secret_key": SecretStr("of-the-services"),
        "MINIO_ROOT_USER": ROOT_USER,
        "MINIO_ROOT_PASSWORD": ROOT_PASSWORD,
        "patience_seconds": 0,
    }
    return BucketSettings.model_validate({**given, **more})


def rules(xml: bytes | None) -> dict[str, tuple[str | None, str | None]]:
    """Returns prefix and days of each rule by its id."""
    assert xml is not None
    return {
        rule.findtext("{*}ID", ""): (
            rule.findtext("{*}Filter/{*}Prefix"),
            rule.findtext("{*}Expiration/{*}Days"),
        )
        for rule in ElementTree.fromstring(xml)  # noqa: S314
    }


def test_bucket_rules_and_user_are_created(server: MinioServer) -> None:
    prepare(settings(server.url))
    assert rules(server.buckets["poseway"]) == OURS
    assert server.users == {"poseway": "of-the-services"}
    assert server.policies == {"poseway": policy("poseway")}
    assert server.attached == {"poseway": "poseway"}


def test_second_run_updates_the_user(server: MinioServer) -> None:
    prepare(settings(server.url))
    before = server.buckets["poseway"]
    prepare(settings(server.url, s3_secret_key=SecretStr("another-secret")))
    assert server.buckets == {"poseway": before}
    assert server.users == {"poseway": "another-secret"}
    assert server.attached == {"poseway": "poseway"}


THEIRS = (
    b"<Rule><ID>theirs</ID><Status>Enabled</Status><Filter><And><Prefix>results/</Prefix>"
    b"<ObjectSizeGreaterThan>1000000</ObjectSizeGreaterThan></And></Filter>"
    b"<DelMarkerExpiration><Days>3</Days></DelMarkerExpiration></Rule>"
)
OLD = (
    b"<Rule><ID>uploads</ID><Status>Enabled</Status><Filter><Prefix>uploads/</Prefix></Filter>"
    b"<Expiration><Days>90</Days></Expiration></Rule>"
)


@pytest.mark.parametrize("space", [b"", b' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'])
def test_other_rules_are_kept(space: bytes) -> None:
    present = b"<LifecycleConfiguration%b>%b%b</LifecycleConfiguration>" % (space, THEIRS, OLD)
    merged = lifecycle(present)
    assert THEIRS in merged
    assert rules(merged) == {"theirs": (None, None), **OURS}
    assert lifecycle(merged) == merged
    assert space in merged


def test_concurrently_created_bucket_is_accepted(server: MinioServer) -> None:
    server.troubles = [(404, "NoSuchBucket"), (409, "BucketAlreadyOwnedByYou")]
    server.buckets["poseway"] = None
    prepare(settings(server.url))
    assert rules(server.buckets["poseway"]) == OURS


def test_setup_waits_for_a_starting_server(
    server: MinioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "_PAUSE_SECONDS", 0)
    server.troubles = [(503, "XMinioServerNotInitialized"), (503, "SlowDown")]
    prepare(settings(server.url, patience_seconds=60))
    assert server.attached == {"poseway": "poseway"}


def test_unreachable_server_is_reported() -> None:
    with pytest.raises(UnavailableError, match="MinIO cannot be reached"):
        prepare(settings(f"http://127.0.0.1:{free_ports(1)[0]}"))


def test_rejected_root_user_fails_at_once(server: MinioServer) -> None:
    with pytest.raises(PosewayError, match="MinIO refuses") as refused:
        prepare(settings(server.url, MINIO_ROOT_USER="nobody", patience_seconds=60))
    assert ROOT_PASSWORD not in refused.value.message
    assert not server.buckets


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"s3_endpoint": None}, "POSEWAY_S3_ENDPOINT"),
        ({"s3_endpoint": "minio:9000"}, "POSEWAY_S3_ENDPOINT"),
        ({"s3_access_key": None}, "POSEWAY_S3_ACCESS_KEY"),
        ({"s3_secret_key": None}, "POSEWAY_S3_SECRET_KEY"),
        ({"s3_access_key": ROOT_USER}, "must not be root"),
    ],
)
def test_invalid_settings_are_rejected(
    server: MinioServer, wrong: dict[str, str | None], message: str
) -> None:
    with pytest.raises(PosewayError, match=message):
        prepare(settings(server.url, **wrong))
    assert not server.users


def test_generated_secrets_match_the_settings(
    server: MinioServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    made = MADE["storage"]()
    environment = {**made, "MINIO_ROOT_USER": ROOT_USER, "MINIO_ROOT_PASSWORD": ROOT_PASSWORD}
    for name, value in {**environment, "POSEWAY_S3_ENDPOINT": server.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("POSEWAY_LOG_LEVEL", "DEBUG")
    bucket.main()
    assert server.users == {made["POSEWAY_S3_ACCESS_KEY"]: made["POSEWAY_S3_SECRET_KEY"]}
    out, log = capfd.readouterr()
    assert "user prepared" in log
    for secret in (made["POSEWAY_S3_SECRET_KEY"], ROOT_PASSWORD):
        assert secret not in out + log
