"""The FastAPI application: its routes, middleware and background tasks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi_offline import FastAPIOffline

from poseway.messaging.job_queue import JobQueue
from poseway.storage import ObjectStore
from poseway_gateway.api.access.authenticator import Authenticator
from poseway_gateway.api.access.cors import add_cors
from poseway_gateway.api.access.middleware import AccessMiddleware
from poseway_gateway.api.background import start_background
from poseway_gateway.api.events.hub import Hub
from poseway_gateway.api.events.reconcile import follow
from poseway_gateway.api.events.stream_limits import StreamLimits
from poseway_gateway.api.jobs.listing import Listing
from poseway_gateway.api.jobs.model_choice import ModelChoice
from poseway_gateway.api.jobs.previews import Previews
from poseway_gateway.api.jobs.repository import JobRepository
from poseway_gateway.api.monitoring.http_metrics import HttpMetrics
from poseway_gateway.api.monitoring.probes import probe_forever
from poseway_gateway.api.monitoring.queue_age import QueueAge
from poseway_gateway.api.monitoring.storage_probe import StorageProbe
from poseway_gateway.api.openapi import describe
from poseway_gateway.api.routes import (
    create,
    events,
    frames,
    jobs,
    preview,
    results,
    sessions,
    system,
    upload_parts,
    uploads,
)
from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.api.uploads.expiry import expire_forever
from poseway_gateway.api.uploads.memory_budget import MemoryBudget
from poseway_gateway.api.uploads.named_locks import NamedLocks
from poseway_gateway.api.uploads.part_relay import PartRelay
from poseway_gateway.api.web import problems
from poseway_gateway.api.web.error_boundary import ErrorBoundary
from poseway_gateway.api.web.head_method import HeadAsGet
from poseway_gateway.api.web.request_bodies import RequestBodies
from poseway_gateway.api.web.security_headers import SecurityHeaders
from poseway_gateway.api.web.static_files import PageFiles
from poseway_gateway.api.webhooks.delivery import WebhookDelivery
from poseway_gateway.api.webhooks.sender import WebhookSender


def create_app(settings: ApiSettings) -> FastAPI:
    """Builds the application; it connects to storage and queue when it starts.

    Setting its ``state.stopping`` ends all event streams.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.settings = settings
        app.state.stopping = asyncio.Event()
        app.state.models = ModelChoice(settings.models_dir)
        app.state.store = ObjectStore(settings)
        app.state.storage_probe = StorageProbe(app.state.store)
        app.state.authenticator = Authenticator(app.state.store, settings)
        app.state.relay = PartRelay()
        app.state.locks = NamedLocks()
        app.state.budget = MemoryBudget(settings.upload_memory_bytes)
        app.state.repository = JobRepository(app.state.store)
        app.state.listing = Listing(app.state.store, app.state.repository)
        app.state.previews = Previews(app.state.store)
        # Not awaited: the page and the results are available without a queue.
        app.state.connecting = asyncio.create_task(JobQueue.connect(settings))
        app.state.hub = Hub()
        app.state.stream_limits = StreamLimits(settings.max_event_streams)
        feed = start_background(
            follow(app.state.hub, app.state.connecting, app.state.repository, app.state.listing),
            "status feed",
        )
        probes = start_background(
            probe_forever(
                app.state.connecting, app.state.storage_probe, QueueAge(app.state.repository)
            ),
            "probes",
        )
        expiry = start_background(expire_forever(app.state.store, settings), "expiry")
        async with app.state.relay, WebhookSender(private=settings.webhooks_private) as sender:
            webhooks = WebhookDelivery(
                app.state.repository, app.state.authenticator.signatures, sender
            )
            delivering = start_background(
                webhooks.run(app.state.connecting, app.state.stopping), "webhooks"
            )
            yield
            await _end(delivering, expiry, feed, probes)
        if not app.state.connecting.cancel():
            await app.state.connecting.result().close()

    app: FastAPI = FastAPIOffline(
        title="Poseway",
        description="Video in, skeletons out.",
        version="1",
        lifespan=lifespan,
        redoc_url=None,
        # `HttpMetrics` measures and traces requests. FastAPI's own spans would come between the
        # request's and the job's, and have the path in them, whose ids and tokens are secrets.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    problems.add_handlers(app)
    app.include_router(system.router)
    app.include_router(sessions.router)
    app.include_router(create.router)
    app.include_router(uploads.router)
    app.include_router(upload_parts.router)
    app.include_router(jobs.router)
    app.include_router(events.router)
    app.include_router(frames.router)
    app.include_router(preview.router)
    # Last, because it matches every other path below a job.
    app.include_router(results.router)
    # Not mounted at "/": a mount would also match a route's path requested with another method.
    page = PageFiles(directory=settings.frontend_dir, html=True)
    app.router.default = GZipMiddleware(page, minimum_size=1000, compresslevel=6)
    describe(app, keys_needed=settings.keys_needed)
    # The last middleware is the outermost. One error boundary stands inside `AccessMiddleware`, so
    # that its responses carry the rate limit; one outside, for errors of the middleware itself.
    app.add_middleware(ErrorBoundary)
    app.add_middleware(AccessMiddleware, settings=settings)
    app.add_middleware(HttpMetrics)
    app.add_middleware(HeadAsGet)
    app.add_middleware(RequestBodies, seconds=settings.silence_seconds)
    app.add_middleware(ErrorBoundary)
    add_cors(app, settings.cors_origins)
    app.add_middleware(SecurityHeaders, storage=settings.s3_public_endpoint)
    return app


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancels background tasks before the connections that they use are closed."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
