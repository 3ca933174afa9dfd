"""The data directory of a local system: its secrets and its lock."""

import fcntl
import json
import os
import secrets
import time
from pathlib import Path
from typing import Final

from poseway.local.errors import StackError

WEED_SECRETS: Final = (
    "WEED_JWT_SIGNING_KEY",
    "WEED_JWT_SIGNING_READ_KEY",
    "WEED_JWT_FILER_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_READ_KEY",
)
"""Environment variables of the object storage's own signing keys."""


def load_secrets(path: Path) -> dict[str, str]:
    """Returns a data directory's secrets. If missing, creates them, readable by the owner only."""
    if not path.exists():
        names = ("s3_access_key", "s3_secret_key", "nats_token", *WEED_SECRETS)
        path.touch(mode=0o600)
        path.write_text(json.dumps({name: secrets.token_hex(20) for name in names}))
    values: dict[str, str] = json.loads(path.read_text())
    return values


def lock(path: Path, seconds: float = 15) -> int:
    """Locks a data directory and returns the descriptor that holds the lock.

    Waits for a while: a system that was just killed needs a moment to release its lock.

    Args:
        path: File to lock.
        seconds: Time to wait for the lock.

    Raises:
        StackError: Another system runs on the data directory.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            os.close(descriptor)
            raise StackError(
                f"Another system is running on {path.parent}. Stop it, or use --data-dir."
            ) from None
        return descriptor


def is_locked(path: Path) -> bool:
    """Whether a data directory is locked because a system runs, starts or stops there."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
