"""Queues of waiting frames, served by start-time fair queuing."""

import math
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K")
F = TypeVar("F")
P = TypeVar("P")


@dataclass
class VirtualTime:
    """Virtual time: the start tag of the job served last."""

    now: float = 0.0


@dataclass(eq=False)
class Job:
    """What the calls of a job share.

    Attributes:
        start_tag: Start tag of the job's next frame; the job with the lowest one is served first.
        slots: Slots that its calls hold.
        anonymous: Whether the job has no name and consists of one call.
    """

    start_tag: float
    slots: int = 0
    anonymous: bool = False


@dataclass(eq=False)
class Call(Generic[P]):
    """A call and the answers that its caller has not read yet.

    Attributes:
        job: The job to which it belongs.
        changed: Notified when an answer arrives or the call ends.
        slots: Slots that it holds.
        taken: Frames accepted so far; they are numbered from 0.
        answered: Answers that the caller has read.
        answers: Answers by number of the frame.
        complete: Whether no more frames will come.
        gone: Whether the caller has left.
        error: Why no more answers will come.
    """

    job: Job
    changed: threading.Condition
    slots: int = 0
    taken: int = 0
    answered: int = 0
    answers: dict[int, P] = field(default_factory=dict)
    complete: bool = False
    gone: bool = False
    error: BaseException | None = None

    @property
    def pending(self) -> int:
        """Accepted frames whose answers the caller has not read."""
        return self.taken - self.answered

    def can_proceed(self) -> bool:
        """Whether the next answer is ready, or there is nothing more to wait for."""
        ended = self.error is not None or self.gone or (self.complete and not self.pending)
        return ended or self.answered in self.answers

    def end(self, error: BaseException | None = None) -> None:
        """Ends the call: no more frames will come, or with an error, no more answers."""
        with self.changed:
            self.complete = True
            if error is not None and not self.gone:
                self.error = error
            self.changed.notify()


@dataclass(frozen=True)
class WaitingFrame(Generic[F, P]):
    """A waiting frame.

    Attributes:
        call: Its call.
        number: Its number in the call.
        frame: The frame.
        arrived: When it was queued, on the monotonic clock in seconds.
    """

    call: Call[P]
    number: int
    frame: F
    arrived: float


class FrameQueue(Generic[K, F, P]):
    """The waiting frames of one key: a first-in, first-out queue per job."""

    def __init__(self, key: K, limit: int, cost: float) -> None:
        self.key = key
        self.items: dict[Job, deque[WaitingFrame[F, P]]] = {}
        self._limit = limit
        self._cost = cost

    def due(self, max_delay: float) -> float:
        """Returns when a batch is ready, on the monotonic clock in seconds."""
        if sum(map(len, self.items.values())) >= self._limit:
            return -math.inf
        return min(items[0].arrived for items in self.items.values()) + max_delay

    def next_job(self) -> Job:
        """Returns the job to serve next."""
        return min(self.items, key=lambda job: job.start_tag)

    def take(self, time: VirtualTime) -> list[WaitingFrame[F, P]]:
        """Takes a batch; each frame comes from the job to serve next."""
        batch: list[WaitingFrame[F, P]] = []
        while self.items and len(batch) < self._limit:
            job = self.next_job()
            time.now = max(time.now, job.start_tag)
            job.start_tag += self._cost
            batch.append(self.items[job].popleft())
            if not self.items[job]:
                del self.items[job]
        return batch

    def withdraw(self, call: Call[P]) -> None:
        """Removes the waiting frames of a call."""
        if left := deque(i for i in self.items.pop(call.job, ()) if i.call is not call):
            self.items[call.job] = left
