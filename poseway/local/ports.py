"""Ports and addresses of this machine."""

import os
import random
import socket
from contextlib import suppress
from typing import Final

from poseway.local.errors import StackError

HOST: Final = "127.0.0.1"

_PORTS: Final = range(10_000, 32_768)
"""Ports below the range that systems use for outgoing connections by default."""


def free_ports(count: int) -> list[int]:
    """Returns ports that are free now and that no outgoing connection will take later.

    The operating system picks its own free ports from the range of outgoing connections. One of
    those could take the port before a service listens on it, or while a service restarts.

    Raises:
        StackError: Fewer than `count` ports are free.
    """
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            break
        with socket.socket() as listener, suppress(OSError):
            listener.bind((HOST, port))
            found.append(port)
    if len(found) < count:
        raise StackError(f"Fewer than {count} ports from {_PORTS[0]} to {_PORTS[-1]} are free.")
    return found


def is_free(port: int, host: str = HOST) -> bool:
    """Whether a port is free: no process listens on it."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return True
    return False


def reached_at(host: str) -> str:
    """Address at which this machine reaches a service that listens on `host`."""
    return {"0.0.0.0": HOST, "::": "::1"}.get(host, host)


def bypass_proxies(own: str = HOST) -> None:
    """Makes this process and its children reach this machine without a proxy.

    Args:
        own: Another address of this machine.
    """
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    hosts += [host for host in (HOST, "localhost", own) if host not in hosts]
    # Some libraries read one of the two variables, some the other.
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(hosts)
