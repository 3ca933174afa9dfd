"""Frames of all callers, worked on in batches that callers share and jobs take turns in."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Generic, TypeVar

from poseway.errors import OverloadedError, UnavailableError
from poseway_inference.scheduling.fair_queue import Call, Clock, Item, Job, Queue

K = TypeVar("K")
F = TypeVar("F")
P = TypeVar("P")


class Batcher(Generic[K, F, P]):
    """Runs a function on batches of frames, as many batches side by side as there are workers.

    Frames with an equal key share batches, whoever sent them. Jobs take turns, frame by frame, into
    a batch and to a worker: the job goes first that had the least work done; what it did not use
    while it had nothing waiting is not owed to it. That is start-time fair queuing (Goyal, Vin &
    Cheng, IEEE/ACM Trans. Networking 5(5), 1997): jobs get equal shares of the workers' time,
    however many frames they have waiting and however much one of them costs.

    The frames taken and not yet answered are bounded, and a job may hold at most as many as are
    still free: the dynamic threshold of Choudhury & Hahne, "Dynamic queue length thresholds for
    shared-memory packet switches" (IEEE/ACM Trans. Networking 6(2), 1998), with alpha = 1. A job
    alone comes to hold half, n jobs 1/(n + 1) each, and as much is left for a newcomer.

    A call is refused at its first frame or never: that frame's place is the call's until it ends.
    Each further frame waits until there is room for it, or until all before it are answered and
    the call's own place is free. So a call of any length goes on while its answers are fetched.
    """

    def __init__(
        self,
        work: Callable[[K, list[F]], list[P]],
        *,
        limit: Callable[[K], int],
        cost: Callable[[K], float] = lambda _: 1.0,
        workers: int,
        max_delay: float,
        max_frames: int,
    ) -> None:
        """Starts the workers.

        Args:
            work: Gives the answers to some frames of one key; called by several threads at once.
            limit: Most frames of a batch of this key, at least 1.
            cost: How much work a frame of this key is, in whatever unit.
            workers: Threads that work on batches.
            max_delay: Seconds that a frame waits for others to fill its batch.
            max_frames: Most frames taken and not yet answered whose callers are still there.
        """
        self._work = work
        self._limit = limit
        self._cost = cost
        self._max_delay = max_delay
        self._max_frames = self._free = max_frames
        self._closed = False
        self._clock = Clock()
        self._jobs: dict[str, Job] = {}
        self._queues: dict[K, Queue[K, F, P]] = {}
        self._lock = threading.Lock()
        self._waiting = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._workers = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for worker in self._workers:
            worker.start()

    @property
    def in_flight(self) -> int:
        """Places in use: for each open call its unanswered frames, but at least one."""
        return self._max_frames - self._free

    def map(
        self,
        job: str,
        frames: Iterable[tuple[K, F]],
        when_gone: Callable[[Callable[[], None]], bool] = lambda _: True,
    ) -> Generator[P, None, None]:
        """Yields the answers to frames in their order, each as soon as it is ready.

        The frames are read by a thread of their own: work on the first begins while the last is on
        its way. If the caller goes away, by closing the iterator or as `when_gone` tells, or if
        `frames` raises, frames not yet in work are withdrawn; the thread ends when `frames` next
        gives something.

        Args:
            job: Calls of one job share its turn; "" makes the call a job of its own.
            frames: Keys, which must be hashable, and frames.
            when_gone: Is given what to call, from any thread, as soon as nobody waits for answers
                any more; says whether somebody does now.

        Raises:
            OverloadedError: There is no room for the first frame.
            UnavailableError: The batcher was closed.
            Exception: What `frames` raised, or `work` on a batch with frames of this call alone.
        """
        call: Call[P] = Call(self._job(job), threading.Condition(self._lock))
        if not when_gone(lambda: self._give_up(call)):
            return
        threading.Thread(target=self._read, args=(call, frames), daemon=True).start()
        try:
            while True:
                with self._lock:
                    call.changed.wait_for(call.can_go_on)
                    if call.gone or call.answered not in call.answers:
                        break
                    answer = call.answers.pop(call.answered)
                    call.answered += 1
                    self._move_places(call, max(1, call.pending) - call.places)
                    self._room.notify_all()
                yield answer
            if call.error is not None:
                raise call.error
        finally:
            self._leave(call)

    def close(self) -> None:
        """Works on what was taken, takes no more, and ends the workers."""
        with self._lock:
            self._closed, self._max_delay = True, 0.0
            self._waiting.notify_all()
            self._room.notify_all()
        for worker in self._workers:
            worker.join()

    def _job(self, name: str) -> Job:
        """The job of this name; "" makes one of its own."""
        with self._lock:
            if not name:
                return Job(self._clock.now, anonymous=True)
            # What a job had too much of is remembered until the others have had as much.
            now = self._clock.now
            self._jobs = {n: job for n, job in self._jobs.items() if job.places or job.turn > now}
            return self._jobs.setdefault(name, Job(now))

    def _read(self, call: Call[P], frames: Iterable[tuple[K, F]]) -> None:
        try:
            for key, frame in frames:
                if not self._take(call, key, frame):
                    break
            call.end()
        except BaseException as error:  # Whatever it is, the caller gets it.
            call.end(error)

    def _take(self, call: Call[P], key: K, frame: F) -> bool:
        """Queues a frame, when there is room; False if its caller is gone."""
        limit, cost = self._limit(key), self._cost(key)
        with self._lock:
            job = call.job
            self._room.wait_for(
                lambda: call.gone or self._closed or not call.pending or job.places < self._free
            )
            if call.gone:
                return False
            if self._closed:
                raise UnavailableError("The service is shutting down. Send the frames again.")
            if call.pending == call.places:
                if job.places >= self._free:
                    raise OverloadedError("Too many frames are in flight. Send them again later.")
                self._move_places(call, 1)
            if not any(job in queue.items for queue in self._queues.values()):
                # What it did not use while it had nothing waiting is not owed to it. One without a
                # name may have been here just now under none, so it does not go first.
                late = cost if job.anonymous else 0.0
                job.turn = max(job.turn, self._clock.now + late)
            queue = self._queues.setdefault(key, Queue(key, limit, cost))
            item = Item(call, call.taken, frame, time.monotonic())
            queue.items.setdefault(job, deque()).append(item)
            call.taken += 1
            self._waiting.notify()
            return True

    def _give_up(self, call: Call[P]) -> None:
        self._leave(call)
        call.end()

    def _leave(self, call: Call[P]) -> None:
        with self._lock:
            call.gone = True
            call.error = None  # Its traceback refers to the call: a cycle that keeps frames alive.
            for queue in self._queues.values():
                queue.withdraw(call)
            self._drop_empty_queues()
            self._move_places(call, -call.places)
            self._room.notify_all()

    def _move_places(self, call: Call[P], count: int) -> None:
        self._free -= count
        call.places += count
        call.job.places += count

    def _drop_empty_queues(self) -> None:
        self._queues = {key: queue for key, queue in self._queues.items() if queue.items}

    def _serve(self) -> None:
        while self._serve_batch():
            pass  # Nothing is kept from batch to batch: an idle worker holds no frames.

    def _serve_batch(self) -> bool:
        """Waits for a batch and works on it; False if there will be no more."""
        with self._lock:
            while not (ready := self._ready_queues()):
                if self._closed:
                    return False
                due = [queue.due(self._max_delay) for queue in self._queues.values()]
                self._waiting.wait(min(due) - time.monotonic() if due else None)
            queue = min(ready, key=lambda queue: queue.next_job().turn)
            batch = queue.take(self._clock)
            self._drop_empty_queues()
            if self._queues:
                # Another worker is to wait for what is left, until that is ready.
                self._waiting.notify()
        self._answer(queue.key, batch)
        return True

    def _ready_queues(self) -> list[Queue[K, F, P]]:
        """Those that fill a batch, or have waited long enough to be one."""
        now = time.monotonic()
        return [queue for queue in self._queues.values() if queue.due(self._max_delay) <= now]

    def _answer(self, key: K, batch: list[Item[F, P]]) -> None:
        calls = dict.fromkeys(item.call for item in batch)
        try:
            answers = list(zip(batch, self._work(key, [i.frame for i in batch]), strict=True))
        except Exception as error:
            if len(calls) == 1:
                batch[0].call.end(error)
                return
        else:
            with self._lock:
                for item, answer in answers:
                    item.call.answers[item.number] = answer
                    item.call.changed.notify()
            return
        # One caller's frame must not fail another's: each once more, on its own.
        for call in (call for call in calls if not call.gone):
            self._answer(key, [item for item in batch if item.call is call])
