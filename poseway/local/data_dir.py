"""What a local system needs of its machine and of its data directory: ports, secrets, a lock."""

import fcntl
import json
import os
import random
import secrets
import shutil
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from poseway.errors import PosewayError

HOST: Final = "127.0.0.1"

WEED_SECRETS: Final = (
    "WEED_JWT_SIGNING_KEY",
    "WEED_JWT_SIGNING_READ_KEY",
    "WEED_JWT_FILER_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_READ_KEY",
)
"""Names of the object storage's own signing keys."""


class StackError(PosewayError):
    """The local system does not start."""

    code = "stack"


_PORTS: Final = range(10_000, 32_768)
"""Below those that systems give to outgoing connections, unless they are set up otherwise."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody has right now, and that no outgoing connection takes later.

    Those that a system itself offers are its outgoing connections' too: one of them could have the
    port before a service listens on it, or while a service that died is started again.

    Raises:
        StackError: There are not so many.
    """
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            break
        with socket.socket() as listener, suppress(OSError):
            listener.bind((HOST, port))
            found.append(port)
    if len(found) < count:
        raise StackError(f"There are no {count} free ports from {_PORTS[0]} to {_PORTS[-1]}.")
    return found


def find_program(name: str) -> Path | None:
    """A program that was installed beside our Python, or else is on the path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    return None if found is None else Path(found)


def is_free(port: int, host: str = HOST) -> bool:
    """Whether nobody listens on a port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return True
    return False


def reached_at(host: str) -> str:
    """The address at which this machine reaches what listens on `host`."""
    return {"0.0.0.0": HOST, "::": "::1"}.get(host, host)


def bypass_proxies(own: str = HOST) -> None:
    """Has this process, and those that it starts, reach this machine without a proxy.

    Args:
        own: Another address of this machine.
    """
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    hosts += [host for host in (HOST, "localhost", own) if host not in hosts]
    # Some libraries read the one, some the other.
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(hosts)


def load_secrets(path: Path) -> dict[str, str]:
    """Secrets of this data directory, made once and readable by its owner only."""
    if not path.exists():
        names = ("s3_access_key", "s3_secret_key", "nats_token", *WEED_SECRETS)
        path.touch(mode=0o600)
        path.write_text(json.dumps({name: secrets.token_hex(20) for name in names}))
    values: dict[str, str] = json.loads(path.read_text())
    return values


def lock(path: Path, seconds: float = 15) -> int:
    """Locks a data directory; a system that was just killed needs a moment to let go of it.

    Raises:
        StackError: Another system runs there.
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
    """Whether a data directory's lock is held: a system runs there, starts or ends."""
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
