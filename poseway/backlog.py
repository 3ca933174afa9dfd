"""How much waits on a queue, and for how long."""

import time
from contextlib import suppress
from dataclasses import dataclass

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext

from poseway.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is on a queue.

    Attributes:
        waiting: Messages that nobody took yet.
        taken: Messages that somebody took and did not end, those handed back included.
        oldest_seconds: How long the first of those that wait has waited.
    """

    waiting: int
    taken: int
    oldest_seconds: float


async def look(stream: JetStreamContext, name: str, consumer: str) -> Backlog:
    """Asks the queue; two requests, however much is on it.

    Args:
        stream: The connection.
        name: Of the stream.
        consumer: Its one consumer.

    Raises:
        UnavailableError: The queue cannot be reached.
    """
    try:
        info = await stream.consumer_info(name, consumer)
        waiting, oldest = info.num_pending or 0, 0.0
        if waiting:
            delivered = info.delivered.stream_seq if info.delivered else 0
            with suppress(nats.js.errors.NotFoundError):  # taken between the two requests
                first = await stream.get_msg(name, seq=delivered + 1, subject=">", next=True)
                if first.time is not None:
                    oldest = max(0.0, time.time() - first.time.timestamp())
    except nats.js.errors.NotFoundError:
        # The server lost its data, which `ensure` makes good.
        return Backlog(0, 0, 0.0)
    except (nats.errors.Error, TimeoutError) as error:
        raise UnavailableError("The work queue cannot be reached. Try again soon.") from error
    return Backlog(waiting, info.num_ack_pending or 0, oldest)
