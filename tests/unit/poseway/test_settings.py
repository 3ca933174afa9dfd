"""Sources and validation of settings."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from poseway.settings import SECRETS_DIR, QueueSettings, Settings, StorageSettings
from poseway_gateway.api.settings import ApiSettings


class Mixed(Settings, StorageSettings, QueueSettings):
    """Settings mixed like those of a service."""


def test_secret_is_read_from_a_file_named_like_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSEWAY_S3_SECRET_KEY", raising=False)
    monkeypatch.setenv("POSEWAY_NATS_TOKEN", "from the variable")
    (tmp_path / "POSEWAY_S3_SECRET_KEY").write_text("from the file\n")
    (tmp_path / "POSEWAY_NATS_TOKEN").write_text("not this")
    settings = Mixed(_secrets_dir=tmp_path)
    assert settings.s3_secret_key is not None
    assert settings.s3_secret_key.get_secret_value() == "from the file"
    assert settings.nats_token is not None
    assert settings.nats_token.get_secret_value() == "from the variable"


@pytest.mark.parametrize("settings", [Settings, StorageSettings, QueueSettings, Mixed])
def test_secrets_directory_is_that_of_containers(settings: type[Settings]) -> None:
    expected = SECRETS_DIR if SECRETS_DIR.is_dir() else None
    assert settings.model_config["secrets_dir"] == expected


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", ""),
        (" , ", ""),
        ("127.0.0.1", "127.0.0.1"),
        (" 10.0.0.0/8, fc00::/7 ,::1,", "10.0.0.0/8,fc00::/7,::1"),
        ("0.0.0.0/0,::/0", "0.0.0.0/0,::/0"),
    ],
)
def test_proxies_are_addresses_or_networks(text: str, meant: str) -> None:
    assert ApiSettings(trusted_proxies=text).trusted_proxies == meant


@pytest.mark.parametrize(
    "wrong", ["10.0.0.1/8", "10.0.0.0/33", "proxy.example", "10.0.0", "*", "10.0.0.0/8;::1", "a b"]
)
def test_invalid_proxy_is_refused(wrong: str) -> None:
    said = re.escape(f"'{wrong}' is neither an address nor a network: ")
    with pytest.raises(ValidationError, match=said):
        ApiSettings(trusted_proxies=f"127.0.0.1, {wrong}")
