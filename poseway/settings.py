"""Settings that several services share; each service has one class that mixes these in."""

from pathlib import Path
from typing import Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS_DIR: Final = Path("/run/secrets")

_CONFIG: Final = SettingsConfigDict(
    env_prefix="POSEWAY_",
    extra="ignore",
    # A secret that is not valid would be in the log otherwise.
    hide_input_in_errors=True,
    # It warns of a directory that is not there.
    secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
)


class Settings(BaseSettings):
    """Base of every service's settings: environment variables that start with ``POSEWAY_``.

    Each may also be a file of the variable's name in ``/run/secrets``, where containers have
    their secrets mounted; the variable goes first.
    """

    model_config = _CONFIG

    log_level: str = Field("INFO", description="Least level that is logged.")
    metrics_port: int = Field(0, ge=0, description="Port of /metrics; 0 switches it off.")
    traces_endpoint: str | None = Field(
        None,
        pattern="^https?://",
        description="Where traces go, by OTLP over HTTP, like http://collector:4318; none: off.",
    )


class StorageSettings(BaseSettings):
    """Where the objects are."""

    model_config = _CONFIG

    s3_endpoint: str | None = Field(None, description="Address of the S3 server; none: AWS.")
    s3_public_endpoint: str | None = Field(
        None,
        description="Its address for browsers and others outside; with it, they send and fetch "
        "large files there themselves. None: all goes through the gateway.",
    )
    s3_region: str = Field("us-east-1", description="Region to sign for.")
    s3_access_key: str | None = Field(None, description="None: boto3's own search for credentials.")
    s3_secret_key: SecretStr | None = None
    bucket: str = Field("poseway", description="The one bucket.")


class QueueSettings(BaseSettings):
    """Where the work queue is."""

    model_config = _CONFIG

    nats_url: str = Field(
        "nats://127.0.0.1:4222",
        description="Address of NATS with JetStream, or several, by commas.",
    )
    nats_token: SecretStr | None = None
    nats_replicas: int = Field(
        1, ge=1, le=5, description="Servers of NATS's cluster that keep a copy of the queue."
    )
    nats_ack_wait_seconds: float = Field(
        30,
        ge=1,
        description="NATS delivers a job to another dispatcher after this long without a heartbeat "
        "from its own. The same for the API and all dispatchers.",
    )


class ServerSettings(Settings):
    """Settings of a gRPC service."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(0, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    max_calls: int = Field(8, ge=1, description="Calls served side by side; more wait.")
    max_connection_age_seconds: float = Field(
        60, gt=0, description="Clients reconnect this often, so that they find new replicas."
    )
    grace_seconds: float = Field(25, ge=0, description="Time for running calls when stopping.")
