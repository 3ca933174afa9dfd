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
    max_upload_bytes: int = Field(20 << 30, ge=1, description="Largest video that is taken.")
    upload_memory_bytes: int = Field(
        256 << 20, ge=32 << 20, description="Memory that forms with videos may take together."
    )
    upload_seconds: int = Field(
        86_400, ge=60, description="Time for all parts of an upload to arrive."
    )
    frontend_dir: Path = Field(ROOT / "frontend", description="Where the page is.")
    models_dir: Path = Field(MODELS_DIR, description="Where the models' cards are.")
    sample_video: Path = Field(
        ROOT / "build" / "sample" / "demo.mp4",
        description="A video to try this with; may be missing.",
    )
    grace_seconds: int = Field(20, ge=0, description="Time for running requests when stopping.")

    head_seconds: float = Field(
        30, gt=0, description="Time for address and headers of a request to arrive."
    )
    silence_seconds: float = Field(
        30, gt=0, description="How long the sender of a body may be silent."
    )
    max_event_streams: int = Field(
        1000,
        ge=2,
        description="Event streams open at a time, some 65 KB each; one key may have half of them.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks of proxies, by commas, whose X-Forwarded-For and "
        "-Proto are believed.",
    )

    auth: AuthMode = Field(
        "auto", description="Whether callers need a key: keys, off, or keys beyond loopback only."
    )
    first_key: SecretStr | None = Field(
        None, description="A whole key that counts without being made first, pw_ID_SECRET."
    )
    signing_key: SecretStr | None = Field(
        None, min_length=32, description="Signs sessions and links; none: one kept in the bucket."
    )
    session_seconds: int = Field(7 * 86_400, ge=60, description="How long a browser is signed in.")
    webhook_private: bool | None = Field(
        None,
        description="Whether webhooks may go to private and loopback addresses; none: only where "
        "callers need no key.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Other origins whose pages may use this, separated by commas."
    )

    @property
    def webhooks_private(self) -> bool:
        """Whether webhooks may go to private and loopback addresses."""
        return not self.keys_needed if self.webhook_private is None else self.webhook_private

    @property
    def keys_needed(self) -> bool:
        """Whether callers need a key."""
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
                # Else it would be taken for a name, and nobody has that.
                raise ValueError(f"{proxy!r} is no address and no network: {error}") from None
        return ",".join(proxies)

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _listed(cls, text: str | tuple[str, ...]) -> tuple[str, ...]:
        if isinstance(text, tuple):
            return text
        return tuple(origin.strip().rstrip("/") for origin in text.split(",") if origin.strip())
