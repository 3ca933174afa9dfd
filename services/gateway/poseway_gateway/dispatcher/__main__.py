"""``python -m poseway_gateway.dispatcher``: runs jobs until SIGTERM or SIGINT."""

import poseway.lifecycle.sigterm  # noqa: F401 # before slow imports

# isort: split

import asyncio
import signal

import structlog

from poseway import isolation
from poseway.lifecycle.exit import leave
from poseway.messaging.job_queue import JobQueue
from poseway.storage import ObjectStore
from poseway.telemetry.service import start_telemetry, stop_telemetry
from poseway_gateway.dispatcher.clients import Services
from poseway_gateway.dispatcher.fair_order import FairOrder
from poseway_gateway.dispatcher.frames import decoder
from poseway_gateway.dispatcher.health_server import Health
from poseway_gateway.dispatcher.settings import DispatcherSettings
from poseway_gateway.dispatcher.worker import Worker


async def run(settings: DispatcherSettings) -> None:
    """Runs jobs until SIGTERM or SIGINT, then hands unfinished ones back to the queue."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    health = Health()
    serving = await health.serve(settings.health_port) if settings.health_port else None
    store = ObjectStore(settings)
    connecting = asyncio.create_task(JobQueue.connect(settings))
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({connecting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not connecting.done():
        connecting.cancel()
        return
    queue = connecting.result()
    health.ready = True
    structlog.get_logger(__name__).info("working", jobs_at_once=settings.jobs_at_once)
    fair_order = FairOrder(store, queue, settings.lease_terms)
    async with Services(settings) as services, asyncio.TaskGroup() as group:
        for _ in range(settings.jobs_at_once):
            group.create_task(Worker(store, queue, fair_order, services, settings).work(stopping))
    await queue.close()
    if serving:
        serving.close()


async def main() -> None:
    """Runs jobs, then exits without waiting for threads that are blocked on storage."""
    settings = DispatcherSettings()
    start_telemetry("dispatcher", settings)
    isolation.prepare(decoder.__name__)
    await run(settings)
    isolation.clean_up()
    stop_telemetry()
    leave()


if __name__ == "__main__":
    asyncio.run(main())
