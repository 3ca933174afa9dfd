"""How much waits on a queue."""

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
    """

    waiting: int
    taken: int


async def look(stream: JetStreamContext, name: str, consumer: str) -> Backlog:
    """Asks the queue; one request, however much is on it.

    Args:
        stream: The connection.
        name: Of the stream.
        consumer: Its one consumer.

    Raises:
        UnavailableError: The queue cannot be reached.
    """
    try:
        info = await stream.consumer_info(name, consumer)
    except nats.js.errors.NotFoundError:
        # The server lost its data, which `ensure` makes good.
        return Backlog(0, 0)
    except (nats.errors.Error, TimeoutError) as error:
        raise UnavailableError("The work queue cannot be reached. Try again soon.") from error
    return Backlog(info.num_pending or 0, info.num_ack_pending or 0)
