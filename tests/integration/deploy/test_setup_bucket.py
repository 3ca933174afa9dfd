"""The set-up of a cluster's bucket, against a real server, and the API that waits for it."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from botocore.exceptions import ClientError

from deploy.setup.bucket import BucketSettings, Server
from poseway.local.stack import Stack
from poseway.settings import StorageSettings
from poseway.storage import ObjectStore
from tests.support.gateways import gateway_env
from tests.support.waiting import first_answer, until


@pytest.fixture
def fresh(stack: Stack) -> Iterator[StorageSettings]:
    """Object storage with a bucket that is not there yet."""
    there = stack.storage_settings.model_copy(update={"bucket": "made-by-setup"})
    yield there
    store = ObjectStore(there)
    store.delete_prefix("")
    store.client.delete_bucket(Bucket=there.bucket)


def as_root(fresh: StorageSettings) -> BucketSettings:
    """The system's own user, who may do everything."""
    assert fresh.s3_access_key is not None
    assert fresh.s3_secret_key is not None
    root = {
        "bucket": fresh.bucket,
        "s3_endpoint": fresh.s3_endpoint,
        "MINIO_ROOT_USER": fresh.s3_access_key,
        "MINIO_ROOT_PASSWORD": fresh.s3_secret_key,
    }
    return BucketSettings.model_validate(root)


def test_a_real_server_accepts_the_bucket_and_its_rules(fresh: StorageSettings) -> None:
    store = ObjectStore(fresh)
    with pytest.raises(ClientError):
        store.client.get_bucket_lifecycle_configuration(Bucket=fresh.bucket)
    for _ in range(2):
        Server(as_root(fresh)).prepare_bucket()
        store.check()
        there = store.client.get_bucket_lifecycle_configuration(Bucket=fresh.bucket)["Rules"]
        assert {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in there} == {
            "uploads/": 7,
            "pending/": 7,
            "idempotency/": 2,
        }


def test_the_api_is_alive_without_a_bucket_and_ready_with_one(
    stack: Stack, fresh: StorageSettings
) -> None:
    env = gateway_env(stack, {"POSEWAY_BUCKET": fresh.bucket})
    url = f"http://127.0.0.1:{env['POSEWAY_PORT']}"
    command = [sys.executable, "-m", "poseway_gateway.api"]
    with (
        subprocess.Popen(command, env=env) as process,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        try:
            assert first_answer(lambda: client.get("/healthz")).status_code == 200
            # Until it is connected to the queue, it says so of that.
            no_bucket = "There is no bucket. Create it."
            until(lambda: client.get("/readyz").json()["detail"] == no_bucket)
            assert client.get("/readyz").status_code == 503
            Server(as_root(fresh)).prepare_bucket()
            until(lambda: client.get("/readyz").status_code == 200)
        finally:
            process.terminate()
