"""Keeps webhooks out of the gateway's own network (SSRF)."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

# Outside this range are embedded IPv4 addresses: NAT64, mapped, translated, compatible.
_UNICAST: Final = IPv6Network("2000::/3")
# A pool of its own, so that slow lookups delay no other work of the gateway.
_LOOKING_UP: Final = ThreadPoolExecutor(4, thread_name_prefix="names")


class RefusedError(Exception):
    """Webhooks may not be sent to this address."""


def is_public(address: str) -> bool:
    """Returns whether an IP address is public, including one that is embedded in IPv6."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip not in _UNICAST or ip.sixtofour is not None or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast


async def resolve(host: str, port: int, *, private: bool) -> str:
    """Resolves a host to the IP address to connect to, and checks that address.

    Connecting by name would resolve it again, possibly to another address (DNS rebinding).

    Args:
        host: Host name or IP address.
        port: Port to connect to.
        private: Whether addresses that are not public are permitted.

    Raises:
        RefusedError: An address of the host is not public.
        OSError: The name does not exist or cannot be resolved now.
    """
    loop = asyncio.get_running_loop()
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await loop.run_in_executor(_LOOKING_UP, look_up)
    addresses = [str(entry[4][0]) for entry in found]
    if not private and not all(is_public(address) for address in addresses):
        raise RefusedError(f"{host} is not a public address")
    return addresses[0]
