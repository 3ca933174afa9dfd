"""The bucket of a local system and the first API key in it."""

import json
import os
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from poseway.api_keys import ApiKeys, AuthMode, keys_needed
from poseway.local.data_dir import is_locked, load_secrets
from poseway.local.errors import StackError
from poseway.settings import StorageSettings
from poseway.storage import ObjectStore


def storage_settings(endpoint: str, known: dict[str, str]) -> StorageSettings:
    """Returns the settings of a system's object storage, given its endpoint and secrets."""
    return StorageSettings(
        s3_endpoint=endpoint,
        s3_access_key=known["s3_access_key"],
        s3_secret_key=SecretStr(known["s3_secret_key"]),
    )


def running_storage(data_dir: Path) -> StorageSettings:
    """Returns the settings of the object storage of the system on a data directory.

    Raises:
        StackError: No system runs there.
    """
    try:
        if is_locked(data_dir / "lock"):
            endpoint = json.loads((data_dir / "stack.json").read_text())["s3_endpoint"]
            return storage_settings(endpoint, load_secrets(data_dir / "secrets.json"))
    except (OSError, ValueError, KeyError):
        pass
    raise StackError(f"No system is running on {data_dir}. Start one with `poseway up`.")


def make_first_key(store: ObjectStore, host: str, env: dict[str, str]) -> str | None:
    """Creates an API key if callers need one and there is none; the gateway needs one to start.

    Args:
        store: The bucket.
        host: Address that the gateway listens on.
        env: Settings of the gateway on top of this process's environment.

    Returns:
        The whole key, which is stored nowhere; None if no key was created.
    """
    env = {**os.environ, **env}
    auth = cast("AuthMode", env.get("POSEWAY_AUTH", "auto"))
    if not keys_needed(auth, host) or "POSEWAY_FIRST_KEY" in env:
        return None
    keys = ApiKeys(store)
    return None if keys.valid() else keys.create("first")[1]
