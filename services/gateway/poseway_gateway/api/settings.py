"""Settings of the API."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from poseway.api_keys import AuthMode, given, keys_needed
from poseway.errors import InvalidRequestError
from poseway.model_cards import MODELS_DIR
from poseway.paths import ROOT
from poseway.settings import QueueSettings, Settings, StorageSettings


class ApiSettings(Settings, StorageSettings, QueueSettings):
    """Environment variables ``POSEWAY_*`` of the API."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=1, le=65535, description="Port to listen on.")
    max_upload_bytes: int = Field(20 << 30, ge=1, description="Size limit of a video in bytes.")
    upload_memory_bytes: int = Field(
        256 << 20, ge=32 << 20, description="Memory limit in bytes for all form uploads together."
    )
    upload_seconds: int = Field(
        86_400, ge=60, description="Seconds in which all parts of a multipart upload must arrive."
    )
    frontend_dir: Path = Field(ROOT / "frontend", description="Folder of the page.")
    models_dir: Path = Field(MODELS_DIR, description="Folder of the model cards.")
    sample_video: Path = Field(
        ROOT / "build" / "sample" / "demo.mp4",
        description="Sample video that users can try; the file may be missing.",
    )
    grace_seconds: int = Field(
        20, ge=0, description="Seconds that running requests have to finish when the service stops."
    )

    head_seconds: float = Field(
        30, gt=0, description="Seconds in which the URL and headers of a request must arrive."
    )
    silence_seconds: float = Field(
        30, gt=0, description="Seconds that the sender of a request body may be silent."
    )
    max_event_streams: int = Field(
        1000,
        ge=2,
        description="Limit of concurrent event streams, about 65 KB each; one key may open "
        "half of them.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks of proxies whose X-Forwarded-For and "
        "X-Forwarded-Proto are trusted, separated by commas.",
    )

    auth: AuthMode = Field(
        "auto",
        description="Whether callers need an API key: keys, off, or auto, which requires keys "
        "unless the gateway listens on loopback only.",
    )
    first_key: SecretStr | None = Field(
        None, description="An API key that is valid without being created, pw_ID_SECRET."
    )
    signing_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key that signs sessions and share links; by default, one in the bucket.",
    )
    session_seconds: int = Field(
        7 * 86_400, ge=60, description="Seconds after which a browser is signed out."
    )
    webhook_private: bool | None = Field(
        None,
        description="Whether webhooks may be sent to private and loopback addresses; by default, "
        "only if callers need no key.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Other origins whose pages may use the API, separated by commas."
    )

    @property
    def webhooks_private(self) -> bool:
        """Whether webhooks may be sent to private and loopback addresses."""
        return not self.keys_needed if self.webhook_private is None else self.webhook_private

    @property
    def keys_needed(self) -> bool:
        """Whether callers need an API key."""
        return keys_needed(self.auth, self.host)

    @field_validator("first_key")
    @classmethod
    def _whole(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            try:
                given(key.get_secret_value(), "first")
            except InvalidRequestError as error:
                raise ValueError(error.message) from None
        return key

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, text: str) -> str:
        proxies = [proxy.strip() for proxy in text.split(",") if proxy.strip()]
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError as error:
                # uvicorn would take it for a host name, which no client has.
                raise ValueError(
                    f"{proxy!r} is neither an address nor a network: {error}"
                ) from None
        return ",".join(proxies)

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _listed(cls, text: str | tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(text, tuple):
            return text
        return tuple(origin.strip().rstrip("/") for origin in text.split(",") if origin.strip())
