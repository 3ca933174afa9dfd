"""Ports and addresses of this machine."""

import os
import random
import socket
from contextlib import suppress
from typing import Final

from poseway.local.errors import StackError

HOST: Final = "127.0.0.1"

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
        raise StackError(f"Fewer than {count} ports from {_PORTS[0]} to {_PORTS[-1]} are free.")
    return found


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
