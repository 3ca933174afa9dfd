"""``python -m deploy.setup.bucket``: prepares MinIO, as its root user.

Creates the bucket, its lifecycle rules and the services' user, who may access objects of this
bucket and nothing else. Safe to repeat, also after the user's secret has changed.
"""

import sys
import time
from typing import Final
from urllib.parse import urlsplit

import structlog
import urllib3
from minio import Minio, MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException, S3Error, ServerError
from minio.helpers import md5sum_hash
from pydantic import Field, SecretStr

from deploy.setup.rules import POLICY, lifecycle, policy
from poseway.errors import PosewayError, UnavailableError
from poseway.settings import Settings, StorageSettings
from poseway.telemetry import logs

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 2.0


class BucketSettings(Settings, StorageSettings):
    """``POSEWAY_*`` variables of the services, and MinIO's root user."""

    root_user: str = Field(validation_alias="MINIO_ROOT_USER")
    root_password: SecretStr = Field(validation_alias="MINIO_ROOT_PASSWORD")
    patience_seconds: float = Field(300, ge=0, description="Time to wait for the server.")


class Server:
    """A MinIO server, as its root user."""

    def __init__(self, settings: BucketSettings) -> None:
        """Creates the clients without connecting.

        Raises:
            PosewayError: The URL of the server is missing or malformed.
        """
        address = urlsplit(settings.s3_endpoint or "")
        if address.scheme not in ("http", "https") or not address.netloc:
            raise PosewayError(
                "Set POSEWAY_S3_ENDPOINT to the URL of MinIO, for example http://minio:9000."
            )
        self._settings = settings
        secure = address.scheme == "https"
        http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=30), retries=urllib3.Retry(0)
        )
        password = settings.root_password.get_secret_value()
        self._s3 = Minio(
            address.netloc,
            settings.root_user,
            password,
            secure=secure,
            region=settings.s3_region,
            http_client=http,
        )
        self._admin = MinioAdmin(
            endpoint=address.netloc,
            credentials=StaticProvider(settings.root_user, password),
            region=settings.s3_region,
            secure=secure,
            http_client=http,
        )

    def prepare_bucket(self) -> None:
        """Creates the bucket and its lifecycle rules."""
        bucket = self._settings.bucket
        if not self._s3.bucket_exists(bucket):
            try:
                self._s3.make_bucket(bucket)
            except S3Error as error:  # another process was faster
                if error.code != "BucketAlreadyOwnedByYou":
                    raise
        rules = lifecycle(self._rules())
        # The client's own methods would drop elements of rules that it does not know.
        self._s3._execute(
            "PUT",
            bucket,
            body=rules,
            headers={"Content-MD5": str(md5sum_hash(rules))},
            query_params={"lifecycle": ""},
        )
        log.info("bucket prepared", bucket=bucket)

    def _rules(self) -> bytes | None:
        """Current lifecycle rules of the bucket as XML; None if there are none."""
        try:
            answer = self._s3._execute("GET", self._settings.bucket, query_params={"lifecycle": ""})
        except S3Error as error:
            if error.code != "NoSuchLifecycleConfiguration":
                raise
            return None
        return bytes(answer.data)

    def prepare_user(self) -> None:
        """Creates the services' user and its policy.

        Raises:
            PosewayError: The user's name or secret is not set, or the user is root.
        """
        user, secret = self._settings.s3_access_key, self._settings.s3_secret_key
        if not user or secret is None:
            raise PosewayError("Set POSEWAY_S3_ACCESS_KEY and POSEWAY_S3_SECRET_KEY to the user's.")
        if user == self._settings.root_user:
            raise PosewayError(
                "The services must not be root: set POSEWAY_S3_ACCESS_KEY to another user."
            )
        self._admin.user_add(user, secret.get_secret_value())
        self._admin.policy_add(POLICY, policy=policy(self._settings.bucket))
        self._admin.policy_set(POLICY, user=user)
        log.info("user prepared", user=user, policy=POLICY)


def prepare(settings: BucketSettings) -> None:
    """Prepares a server, waiting until it is available.

    Raises:
        UnavailableError: The server is still unavailable after `patience_seconds`.
        PosewayError: The server refuses, or a setting is wrong.
    """
    server = Server(settings)
    end = time.monotonic() + settings.patience_seconds
    while True:
        try:
            server.prepare_bucket()
            server.prepare_user()
        except (urllib3.exceptions.HTTPError, ServerError) as error:
            reason = str(error)
        except (S3Error, MinioAdminException) as error:
            if not _passes(error):
                raise PosewayError(f"MinIO refuses: {error}") from error
            reason = str(error)
        else:
            return
        if time.monotonic() > end:
            raise UnavailableError(f"MinIO cannot be reached: {reason}")
        log.warning("retrying", reason=reason)
        time.sleep(_PAUSE_SECONDS)


def _passes(error: S3Error | MinioAdminException) -> bool:
    """Whether an error is transient: the server is still starting or overloaded."""
    if isinstance(error, S3Error):
        return error.code in ("XMinioServerNotInitialized", "ServiceUnavailable", "SlowDown")
    return "XMinioServerNotInitialized" in str(error) or "ServiceUnavailable" in str(error)


def main() -> None:
    """Prepares the server that the environment names."""
    settings = BucketSettings()
    logs.start("setup", settings.log_level)
    try:
        prepare(settings)
    except PosewayError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
