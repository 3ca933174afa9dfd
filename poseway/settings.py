"""Settings shared by several services. Each service has one class that mixes them in."""

from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS_DIR: Final = Path("/run/secrets")

_CONFIG: Final = SettingsConfigDict(
    env_prefix="POSEWAY_",
    extra="ignore",
    # Otherwise an invalid secret would appear in the log.
    hide_input_in_errors=True,
    # pydantic-settings warns if the directory is missing.
    secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
)


class Settings(BaseSettings):
    """Base of every service's settings: environment variables that start with ``POSEWAY_``.

    A file of the same name in ``/run/secrets``, where containers mount secrets, works too. The
    variable takes precedence.
    """

    model_config = _CONFIG

    log_level: str = Field("INFO", description="Lowest level that is logged.")
    metrics_port: int = Field(0, ge=0, description="Port that serves /metrics. 0 disables it.")
    traces_endpoint: str | None = Field(
        None,
        pattern="^https?://",
        description="Collector that receives traces with OTLP over HTTP, for example "
        "http://collector:4318. Unset: no traces.",
    )


class StorageSettings(BaseSettings):
    """Settings of object storage."""

    model_config = _CONFIG

    s3_endpoint: str | None = Field(None, description="URL of the S3 server. Unset: AWS.")
    s3_public_endpoint: str | None = Field(
        None,
        description="URL of the S3 server for clients outside the cluster. If set, they upload and "
        "download large files there directly. Unset: everything goes through the gateway.",
    )
    s3_region: str = Field("us-east-1", description="Region that requests are signed for.")
    s3_access_key: str | None = Field(
        None, description="Access key. Unset: boto3 looks for credentials itself."
    )
    s3_secret_key: SecretStr | None = Field(None, description="Secret of the access key.")
    bucket: str = Field("poseway", description="Bucket that holds everything.")


class QueueSettings(BaseSettings):
    """Settings of the job queue."""

    model_config = _CONFIG

    nats_url: str = Field(
        "nats://127.0.0.1:4222",
        description="URL of NATS with JetStream; several are separated by commas.",
    )
    nats_token: SecretStr | None = Field(None, description="Token that NATS requires.")
    nats_replicas: int = Field(
        1, ge=1, le=5, description="Servers of the NATS cluster that keep a copy of the queue."
    )
    nats_ack_wait_seconds: float = Field(
        30,
        ge=1,
        description="Time without a heartbeat after which NATS delivers a job to another "
        "dispatcher. Set the same value for the API and all dispatchers.",
    )


class ServerSettings(Settings):
    """Settings of a gRPC service."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(0, ge=0, le=65535, description="Port to listen on. 0 picks a free one.")
    max_calls: int = Field(
        8, ge=1, description="Calls served at the same time. Further calls wait."
    )
    max_connection_age_seconds: float = Field(
        60, gt=0, description="Clients reconnect after this time, so that they find new replicas."
    )
    grace_seconds: float = Field(
        25, ge=0, description="Time that running calls get to finish when the service stops."
    )
