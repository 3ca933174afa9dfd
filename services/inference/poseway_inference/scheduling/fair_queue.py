"""Frames that wait, and whose turn it is."""

import math
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K")
F = TypeVar("F")
P = TypeVar("P")


@dataclass
class Clock:
    """What a job had of the workers' time that was never idle: the turn of the last one served."""

    now: float = 0.0


@dataclass(eq=False)
class Job:
    """What the calls of a job share: its turn, the lowest of which comes first, and its places."""

    turn: float
    places: int = 0
    anonymous: bool = False


@dataclass(eq=False)
class Call(Generic[P]):
    """A call: its frames are numbered from 0, and their answers wait here to be handed over."""

    job: Job
    changed: threading.Condition
    places: int = 0
    taken: int = 0
    answered: int = 0
    answers: dict[int, P] = field(default_factory=dict)
    complete: bool = False
    gone: bool = False
    error: BaseException | None = None

    @property
    def pending(self) -> int:
        """Frames taken whose answers were not handed over."""
        return self.taken - self.answered

    def can_go_on(self) -> bool:
        """Whether there is an answer to hand over, or nothing more to wait for."""
        ended = self.error is not None or self.gone or (self.complete and not self.pending)
        return ended or self.answered in self.answers

    def end(self, error: BaseException | None = None) -> None:
        """Says that no more frames will come, or why no more answers will."""
        with self.changed:
            self.complete = True
            if error is not None and not self.gone:
                self.error = error
            self.changed.notify()


@dataclass(frozen=True)
class Item(Generic[F, P]):
    """A frame that waits."""

    call: Call[P]
    number: int
    frame: F
    arrived: float


class Queue(Generic[K, F, P]):
    """Frames of one key that wait, per job in the order they came."""

    def __init__(self, key: K, limit: int, cost: float) -> None:
        self.key = key
        self.items: dict[Job, deque[Item[F, P]]] = {}
        self._limit = limit
        self._cost = cost

    def due(self, max_delay: float) -> float:
        """When a batch of these is ready, on the monotonic clock."""
        if sum(map(len, self.items.values())) >= self._limit:
            return -math.inf
        return min(items[0].arrived for items in self.items.values()) + max_delay

    def next_job(self) -> Job:
        """Whose turn it is."""
        return min(self.items, key=lambda job: job.turn)

    def take(self, clock: Clock) -> list[Item[F, P]]:
        """Takes a batch, frame by frame from the job whose turn it is."""
        batch: list[Item[F, P]] = []
        while self.items and len(batch) < self._limit:
            job = self.next_job()
            clock.now = max(clock.now, job.turn)
            job.turn += self._cost
            batch.append(self.items[job].popleft())
            if not self.items[job]:
                del self.items[job]
        return batch

    def withdraw(self, call: Call[P]) -> None:
        """Removes what waits of a call."""
        if left := deque(i for i in self.items.pop(call.job, ()) if i.call is not call):
            self.items[call.job] = left
