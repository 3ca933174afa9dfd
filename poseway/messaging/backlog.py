"""Backlog of a queue."""

from dataclasses import dataclass

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext

from poseway.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages on a queue.

    Attributes:
        waiting: Messages that were not delivered yet.
        taken: Messages that were delivered but not acknowledged, including those handed back.
    """

    waiting: int
    taken: int


async def look(stream: JetStreamContext, name: str, consumer: str) -> Backlog:
    """Reads the backlog in one request, whatever its size.

    Args:
        stream: The connection.
        name: Name of the stream.
        consumer: Name of its only consumer.

    Raises:
        UnavailableError: The queue cannot be reached.
    """
    try:
        info = await stream.consumer_info(name, consumer)
    except nats.js.errors.NotFoundError:
        # The server lost its data; `JobQueue.ensure` creates the stream again.
        return Backlog(0, 0)
    except (nats.errors.Error, TimeoutError) as error:
        raise UnavailableError("The work queue cannot be reached. Try again soon.") from error
    return Backlog(info.num_pending or 0, info.num_ack_pending or 0)
