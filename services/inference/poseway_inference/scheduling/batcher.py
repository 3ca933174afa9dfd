"""Processes the frames of all calls in shared batches, fairly between jobs."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Generic, TypeVar

from poseway.errors import OverloadedError, UnavailableError
from poseway_inference.scheduling.fair_queue import Call, FrameQueue, Job, VirtualTime, WaitingFrame

K = TypeVar("K")
F = TypeVar("F")
P = TypeVar("P")


class Batcher(Generic[K, F, P]):
    """Runs a function on batches of frames, one batch per worker at a time.

    Frames with equal keys share batches, whichever call they belong to.

    **Fairness.** Each frame of a batch comes from the job that has received the least work so far.
    Time in which a job had nothing waiting earns it no credit. This is start-time fair queuing
    (Goyal, Vin and Cheng, "Start-time fair queueing", IEEE/ACM Transactions on Networking 5(5),
    1997): jobs get equal shares of the workers' time, regardless of how many frames they have
    waiting and what a frame costs.

    **Bounds.** Frames in flight, which are accepted but not yet answered, take slots, and slots
    are limited. A job may hold at most as many slots as are still free. This is the dynamic
    threshold of Choudhury and Hahne ("Dynamic queue length thresholds for shared-memory packet
    switches", IEEE/ACM Transactions on Networking 6(2), 1998) with alpha = 1. A single job ends up
    with half of the slots, n jobs with 1/(n + 1) each, and the same share stays free for the next.

    **Rejection.** A call can be rejected only at its first frame, whose slot it keeps until it
    ends. Each further frame waits until a slot is free, or until all frames before it are answered
    and it can use the call's own slot. So a call of any length makes progress while its caller
    reads the answers.
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
            work: Computes the answers to frames of one key; called by several threads at once.
            limit: Returns the most frames in a batch of a key, at least 1.
            cost: Returns the work that a frame of a key takes, in any unit.
            workers: Number of threads that process batches.
            max_delay: Seconds that a frame waits for others to fill its batch.
            max_frames: Number of slots, that is, most frames in flight.
        """
        self._work = work
        self._limit = limit
        self._cost = cost
        self._max_delay = max_delay
        self._max_frames = self._free = max_frames
        self._closed = False
        self._virtual_time = VirtualTime()
        self._jobs: dict[str, Job] = {}
        self._queues: dict[K, FrameQueue[K, F, P]] = {}
        self._lock = threading.Lock()
        self._waiting = threading.Condition(self._lock)
        self._slot_freed = threading.Condition(self._lock)
        self._workers = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for worker in self._workers:
            worker.start()

    @property
    def in_flight(self) -> int:
        """Slots in use: the unanswered frames of each open call, at least one per call."""
        return self._max_frames - self._free

    def map(
        self,
        job: str,
        frames: Iterable[tuple[K, F]],
        when_gone: Callable[[Callable[[], None]], bool] = lambda _: True,
    ) -> Generator[P, None, None]:
        """Yields the answers to frames in order, each as soon as it is ready.

        A separate thread reads the frames, so work begins before the last frame has arrived. If
        the caller leaves, by closing the iterator or through `when_gone`, or if `frames` raises,
        waiting frames are withdrawn. The thread ends once `frames` yields again.

        Args:
            job: Name of the job whose share the call uses; "" makes the call a job of its own.
            frames: Pairs of key and frame. Keys must be hashable.
            when_gone: Registers a callback to be called, from any thread, when the caller has left.
                Returns False if the caller has left already.

        Raises:
            OverloadedError: There is no slot for the first frame.
            UnavailableError: The batcher is closed.
            Exception: What `frames` raised, or what `work` raised for frames of this call alone.
        """
        call: Call[P] = Call(self._job(job), threading.Condition(self._lock))
        if not when_gone(lambda: self._abandon(call)):
            return
        threading.Thread(target=self._read, args=(call, frames), daemon=True).start()
        try:
            while True:
                with self._lock:
                    call.changed.wait_for(call.can_proceed)
                    if call.gone or call.answered not in call.answers:
                        break
                    answer = call.answers.pop(call.answered)
                    call.answered += 1
                    self._take_slots(call, max(1, call.pending) - call.slots)
                    self._slot_freed.notify_all()
                yield answer
            if call.error is not None:
                raise call.error
        finally:
            self._leave(call)

    def close(self) -> None:
        """Processes the accepted frames, accepts no more, and stops the workers."""
        with self._lock:
            self._closed, self._max_delay = True, 0.0
            self._waiting.notify_all()
            self._slot_freed.notify_all()
        for worker in self._workers:
            worker.join()

    def _job(self, name: str) -> Job:
        """Returns the job of this name, or a new one for ""."""
        with self._lock:
            if not name:
                return Job(self._virtual_time.now, anonymous=True)
            # A job that is ahead of the others is remembered until they have caught up.
            now = self._virtual_time.now
            self._jobs = {
                n: job for n, job in self._jobs.items() if job.slots or job.start_tag > now
            }
            return self._jobs.setdefault(name, Job(now))

    def _read(self, call: Call[P], frames: Iterable[tuple[K, F]]) -> None:
        try:
            for key, frame in frames:
                if not self._take(call, key, frame):
                    break
            call.end()
        except BaseException as error:  # the caller gets it, whatever it is
            call.end(error)

    def _take(self, call: Call[P], key: K, frame: F) -> bool:
        """Queues a frame once there is a slot; returns False if the caller has left."""
        limit, cost = self._limit(key), self._cost(key)
        with self._lock:
            job = call.job
            self._slot_freed.wait_for(
                lambda: call.gone or self._closed or not call.pending or job.slots < self._free
            )
            if call.gone:
                return False
            if self._closed:
                raise UnavailableError("The service is shutting down. Retry the call.")
            if call.pending == call.slots:
                if job.slots >= self._free:
                    raise OverloadedError("Too many frames are in flight. Retry the call later.")
                self._take_slots(call, 1)
            if not any(job in queue.items for queue in self._queues.values()):
                # Idle time earns no credit. A call without a name may belong to a job that was
                # served a moment ago, so it starts behind the others.
                late = cost if job.anonymous else 0.0
                job.start_tag = max(job.start_tag, self._virtual_time.now + late)
            queue = self._queues.setdefault(key, FrameQueue(key, limit, cost))
            item = WaitingFrame(call, call.taken, frame, time.monotonic())
            queue.items.setdefault(job, deque()).append(item)
            call.taken += 1
            self._waiting.notify()
            return True

    def _abandon(self, call: Call[P]) -> None:
        self._leave(call)
        call.end()

    def _leave(self, call: Call[P]) -> None:
        with self._lock:
            call.gone = True
            call.error = None  # a reference cycle through its traceback would keep frames alive
            for queue in self._queues.values():
                queue.withdraw(call)
            self._drop_empty_queues()
            self._take_slots(call, -call.slots)
            self._slot_freed.notify_all()

    def _take_slots(self, call: Call[P], count: int) -> None:
        """Gives a call more slots, or fewer if the count is negative."""
        self._free -= count
        call.slots += count
        call.job.slots += count

    def _drop_empty_queues(self) -> None:
        self._queues = {key: queue for key, queue in self._queues.items() if queue.items}

    def _serve(self) -> None:
        while self._serve_batch():
            pass  # in a method of its own, so that an idle worker keeps no frames alive

    def _serve_batch(self) -> bool:
        """Waits for a batch and processes it; returns False if there will be no more."""
        with self._lock:
            while not (ready := self._ready_queues()):
                if self._closed:
                    return False
                due = [queue.due(self._max_delay) for queue in self._queues.values()]
                self._waiting.wait(min(due) - time.monotonic() if due else None)
            queue = min(ready, key=lambda queue: queue.next_job().start_tag)
            batch = queue.take(self._virtual_time)
            self._drop_empty_queues()
            if self._queues:
                # Another worker takes over waiting for the remaining frames.
                self._waiting.notify()
        self._answer(queue.key, batch)
        return True

    def _ready_queues(self) -> list[FrameQueue[K, F, P]]:
        """Returns queues with a full batch, or whose oldest frame has waited long enough."""
        now = time.monotonic()
        return [queue for queue in self._queues.values() if queue.due(self._max_delay) <= now]

    def _answer(self, key: K, batch: list[WaitingFrame[F, P]]) -> None:
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
        # One call's frames must not fail another's, so each call is tried again on its own.
        for call in (call for call in calls if not call.gone):
            self._answer(key, [item for item in batch if item.call is call])
