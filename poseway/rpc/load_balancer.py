"""All replicas of a service, as its callers see them."""

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
"""Says which addresses, ``ip:port``, a ``host:port`` stands for; raises `OSError` if it cannot."""

LOOK_SECONDS: Final = 3.0
"""Names are looked up this often, and at once when a connection is lost."""

_PAUSE_SECONDS: Final = 0.5


class Replica:
    """One replica.

    Attributes:
        address: Its ``ip:port``.
        channel: The connection to it.
        calls: Calls of ours that it has.
        ready: Whether it is connected.
    """

    def __init__(self, address: str, channel: grpc.aio.Channel) -> None:
        self.address = address
        self.channel = channel
        self.calls = 0
        self.ready = False
        self._called_at = self._rests_until = 0.0

    @contextmanager
    def called(self) -> Iterator[None]:
        """Counts a call for as long as the block runs."""
        self.calls += 1
        self._called_at = _now()
        try:
            yield
        finally:
            self.calls -= 1

    def rest(self, seconds: float) -> None:
        """Has others called instead, for a while, if there are any."""
        self._rests_until = _now() + seconds

    @property
    def turn(self) -> tuple[bool, int, float]:
        """The least comes first: who has fewer calls, then who was not called for longer."""
        return self.rests, self.calls, self._called_at

    @property
    def rests(self) -> bool:
        """Whether others are to be called instead."""
        return _now() < self._rests_until


class Replicas:
    """Connections to all replicas of a service; they come and go with what its names stand for.

    Calls last from a tenth of a second to minutes, so handing them out in turn would pile them up
    at whoever is slow: whoever has the fewest is called.
    """

    def __init__(
        self,
        address: str,
        connect: Callable[[str], grpc.aio.Channel],
        resolve: Resolve | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Begins to look for replicas; needs a running loop.

        Args:
            address: ``host:port``, or several, separated by commas.
            connect: Opens a channel to an ``ip:port``.
            resolve: How names are looked up; None asks the system.
            look_seconds: How often.

        Raises:
            InvalidRequestError: That is no address.
        """
        self._names = [_checked(name.strip()) for name in address.split(",") if name.strip()]
        self._connect = connect
        self._resolve = resolve or look_up
        self._look_seconds = look_seconds
        self._found: dict[str, set[str]] = {}
        self._replicas: dict[str, Replica] = {}
        self._watches: dict[Replica, asyncio.Task[None]] = {}
        self._leaving: list[Replica] = []
        self._followers: list[Callable[[int], None]] = []
        self._changed = asyncio.Event()
        self._lost = asyncio.Event()
        self._looking = asyncio.create_task(self._look_for_ever())
        self._looking.add_done_callback(_log_end)

    @property
    def count(self) -> int:
        """How many there are that can be called."""
        return sum(replica.ready for replica in self._replicas.values())

    @property
    def addresses(self) -> set[str]:
        """Where they are, also those that cannot be called."""
        return set(self._replicas)

    @property
    def spare(self) -> bool:
        """Whether one of them does not rest."""
        return any(replica.ready and not replica.rests for replica in self._replicas.values())

    @contextmanager
    def followed(self, follower: Callable[[int], None]) -> Iterator[None]:
        """Tells, for as long as the block runs, how many there are: now, and when that changes."""
        self._followers.append(follower)
        try:
            follower(self.count)
            yield
        finally:
            self._followers.remove(follower)

    async def pick(self) -> Replica:
        """The one that has the fewest calls; waits while there is none."""
        while (replica := self._least_busy()) is None:
            await self._changed.wait()
        return replica

    async def close(self) -> None:
        """Ends all calls and connections."""
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
        # Callers that begin at the same time are not to begin with the same one.
        random.shuffle(ready)
        return min(ready, key=lambda replica: replica.turn)

    async def _look_for_ever(self) -> None:
        while True:
            for name in self._names:
                try:
                    self._found[name] = await self._resolve(name)
                except OSError as error:
                    # What cannot be looked up now still is what it was.
                    log.warning("look-up failed", name=name, error=str(error))
            self._lost.clear()
            self._follow(set().union(*self._found.values()))
            await self._close_the_left()
            await asyncio.sleep(min(_PAUSE_SECONDS, self._look_seconds))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), self._look_seconds)

    def _follow(self, addresses: set[str]) -> None:
        for address in addresses - self._replicas.keys():
            replica = self._replicas[address] = Replica(address, self._connect(address))
            self._watches[replica] = asyncio.create_task(self._watch(replica))
        for address in self._replicas.keys() - addresses:
            self._leaving.append(self._replicas.pop(address))
            self._tell()

    async def _close_the_left(self) -> None:
        """Closes the connections to those that are no more and whose last call has ended."""
        for replica in [replica for replica in self._leaving if not replica.calls]:
            self._leaving.remove(replica)
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
                self._tell()
            await replica.channel.wait_for_state_change(state)

    def _tell(self) -> None:
        for follower in self._followers:
            follower(self.count)
        self._changed.set()
        self._changed = asyncio.Event()


def _checked(name: str) -> str:
    host, _, port = name.rpartition(":")
    # Names have labels of 1 to 63 characters; what else is wrong with one shows when it is asked.
    labels = host.strip("[]").removesuffix(".").split(".")
    if not (port.isascii() and port.isdigit() and all(0 < len(label) < 64 for label in labels)):
        raise InvalidRequestError(f"{name!r} is not an address. Write it as host:port.")
    return name


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("replica look-up stopped", exc_info=error)


async def look_up(name: str) -> set[str]:
    """All addresses of a ``host:port``, none if there is no such host."""
    host, _, port = name.rpartition(":")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM
        )
    except socket.gaierror as error:
        # A service without replicas has no address, or even no name.
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            return set()
        raise
    ends = [(str(to[0]), int(to[1])) for *_, to in found]
    return {f"[{ip}]:{end}" if ":" in ip else f"{ip}:{end}" for ip, end in ends}


def _now() -> float:
    return asyncio.get_running_loop().time()
