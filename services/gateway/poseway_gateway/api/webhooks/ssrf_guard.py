"""Where webhooks may go: not into the network that the gateway stands in."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

# Elsewhere is what stands for IPv4 addresses: NAT64, mapped, translated, compatible.
_UNICAST: Final = IPv6Network("2000::/3")
# Names that are looked up for long keep no other work of the gateway waiting.
_LOOKING_UP: Final = ThreadPoolExecutor(4, thread_name_prefix="names")


class RefusedError(Exception):
    """Nothing is sent to this address."""


def is_public(address: str) -> bool:
    """Whether an IP address is on the open internet, whatever it is wrapped in."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip not in _UNICAST or ip.sixtofour is not None or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast


async def resolve(host: str, port: int, *, private: bool) -> str:
    """The IP address to connect to, which is the one that was checked.

    A name that is looked up twice may lead elsewhere the second time.

    Args:
        host: A name or an IP address.
        port: To connect to.
        private: Whether addresses that are not public are fine too.

    Raises:
        RefusedError: One of its addresses is not public.
        OSError: There is no such name, or names cannot be looked up now.
    """
    loop = asyncio.get_running_loop()
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await loop.run_in_executor(_LOOKING_UP, look_up)
    addresses = [str(entry[4][0]) for entry in found]
    if not private and not all(is_public(address) for address in addresses):
        raise RefusedError(f"{host} is not on the open internet")
    return addresses[0]
