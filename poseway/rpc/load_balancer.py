"""Client-side load balancing: sends each call to the least busy replica of a service."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import grpc
import structlog

from poseway.errors import InvalidRequestError

log = structlog.get_logger(__name__)

Resolve = Callable[[str], Awaitable[set[str]]]
"""Resolves a ``host:port`` to addresses ``ip:port``. Raises `OSError` if it cannot."""

LOOK_SECONDS: Final = 3.0
"""Interval between look-ups of names. A lost connection triggers one at once."""

_PAUSE_SECONDS: Final = 0.5


class Replica:
    """A replica of a service.

    Attributes:
        address: ``ip:port``.
        channel: Connection to the replica.
        calls: Calls in progress from this client.
        ready: Whether the replica is connected.
    """

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        self.address = address
        self.channel = channel
        self.calls = 0
        self.ready = False
        self._called_at = self._rests_until = 0.0

    @contextmanager
    def called(self) -> Iterator[None]:
        """Counts a call while the block runs."""
        self.calls += 1
        self._called_at = _now()
        try:
            yield
        finally:
            self.calls -= 1

    def rest(self, seconds: float) -> None:
        """Prefers other replicas, if there are any, for some seconds."""
        self._rests_until = _now() + seconds

    @property
    def load(self) -> tuple[bool, int, float]:
        """Sort key: the replica with the fewest calls first, then the one idle for longest."""
        return self.rests, self.calls, self._called_at

    @property
    def rests(self) -> bool:
        """Whether other replicas are preferred at the moment."""
        return _now() < self._rests_until


class Replicas:
    """Connections to all replicas of a service, updated as its names resolve to other addresses.

    Calls last from a tenth of a second to minutes, so round-robin would pile them up at a slow
    replica. The replica with the fewest calls is chosen instead.
    """

    def __init__(
        self,
        address: str,
        connect: Callable[[str], grpc.aio.Channel],
        resolve: Resolve | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Starts to look for replicas. Needs a running event loop.

        Args:
            address: ``host:port``, or several separated by commas.
            connect: Opens a channel to an ``ip:port``.
            resolve: Resolves names; None uses the system's resolver.
            look_seconds: Seconds between look-ups.

        Raises:
            InvalidRequestError: `address` is malformed.
        """
        self._names = [_checked(name.strip()) for name in address.split(",") if name.strip()]
        self._connect = connect
        self._resolve = resolve or look_up
        self._look_seconds = look_seconds
        self._found: dict[str, set[str]] = {}
        self._replicas: dict[str, Replica] = {}
        self._watches: dict[Replica, asyncio.Task[None]] = {}
        self._removed: list[Replica] = []
        self._followers: list[Callable[[int], None]] = []
        self._changed = asyncio.Event()
        self._lost = asyncio.Event()
        self._looking = asyncio.create_task(self._keep_looking())
        self._looking.add_done_callback(_log_end)

    @property
    def count(self) -> int:
        """Number of connected replicas."""
        return sum(replica.ready for replica in self._replicas.values())

    @property
    def addresses(self) -> set[str]:
        """Addresses of all replicas, connected or not."""
        return set(self._replicas)

    @property
    def spare(self) -> bool:
        """Whether any connected replica is not being avoided; see `Replica.rest`."""
        return any(replica.ready and not replica.rests for replica in self._replicas.values())

    @contextmanager
    def followed(self, follower: Callable[[int], None]) -> Iterator[None]:
        """Calls `follower` with `count` now and after every change, while the block runs."""
        self._followers.append(follower)
        try:
            follower(self.count)
            yield
        finally:
            self._followers.remove(follower)

    async def pick(self) -> Replica:
        """Returns the replica with the fewest calls. Waits until one is connected."""
        while (replica := self._least_busy()) is None:
            await self._changed.wait()
        return replica

    async def close(self) -> None:
        """Cancels all calls and closes all connections."""
        tasks = [self._looking, *self._watches.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for replica in self._watches:
            await replica.channel.close()

    def _least_busy(self) -> Replica | None:
        ready = [replica for replica in self._replicas.values() if replica.ready]
        if not ready:
            return None
        # Clients that start at the same time should not all choose the same replica.
        random.shuffle(ready)
        return min(ready, key=lambda replica: replica.load)

    async def _keep_looking(self) -> None:
        while True:
            for name in self._names:
                try:
                    self._found[name] = await self._resolve(name)
                except OSError as error:
                    # Addresses found earlier stay valid.
                    log.warning("look-up failed", name=name, error=str(error))
            self._lost.clear()
            self._follow(set().union(*self._found.values()))
            await self._close_removed()
            await asyncio.sleep(min(_PAUSE_SECONDS, self._look_seconds))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), self._look_seconds)

    def _follow(self, addresses: set[str]) -> None:
        for address in addresses - self._replicas.keys():
            replica = self._replicas[address] = Replica(address, self._connect(address))
            self._watches[replica] = asyncio.create_task(self._watch(replica))
        for address in self._replicas.keys() - addresses:
            self._removed.append(self._replicas.pop(address))
            self._notify()

    async def _close_removed(self) -> None:
        """Closes connections to removed replicas whose last call has ended."""
        for replica in [replica for replica in self._removed if not replica.calls]:
            self._removed.remove(replica)
            watch = self._watches.pop(replica)
            watch.cancel()
            await asyncio.wait({watch})
            await replica.channel.close()

    async def _watch(self, replica: Replica) -> None:
        while True:
            state = replica.channel.get_state(try_to_connect=True)
            ready = state is grpc.ChannelConnectivity.READY
            if ready != replica.ready:
                replica.ready = ready
                log.info("replica", address=replica.address, ready=ready)
                if not ready:
                    self._lost.set()
                self._notify()
            await replica.channel.wait_for_state_change(state)

    def _notify(self) -> None:
        for follower in self._followers:
            follower(self.count)
        self._changed.set()
        self._changed = asyncio.Event()


def _checked(name: str) -> str:
    host, _, port = name.rpartition(":")
    # A label has 1 to 63 characters. Other mistakes show when the name is looked up.
    labels = host.strip("[]").removesuffix(".").split(".")
    if not (port.isascii() and port.isdigit() and all(0 < len(label) < 64 for label in labels)):
        raise InvalidRequestError(f"{name!r} is not an address. Write it as host:port.")
    return name


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("replica look-up stopped", exc_info=error)


async def look_up(name: str) -> set[str]:
    """Resolves a ``host:port`` with the system. Returns an empty set for an unknown host."""
    host, _, port = name.rpartition(":")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM
        )
    except socket.gaierror as error:
        # A service without replicas has no address and may not even have a name.
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            return set()
        raise
    ends = [(str(to[0]), int(to[1])) for *_, to in found]
    return {f"[{ip}]:{end}" if ":" in ip else f"{ip}:{end}" for ip, end in ends}


def _now() -> float:
    return asyncio.get_running_loop().time()
