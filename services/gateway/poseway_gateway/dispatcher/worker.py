"""Takes jobs from the queue and ends each of them, or hands it back."""

import asyncio

import structlog
from opentelemetry import trace
from pydantic import ValidationError

from poseway.errors import (
    ConflictError,
    DecoderError,
    IncompatibleError,
    InvalidRequestError,
    NotFoundError,
    PosewayError,
    UnavailableError,
    VideoError,
)
from poseway.jobs import JobError, JobRequest, JobState
from poseway.messaging.delivery import Delivery, EarlyDelivery
from poseway.messaging.job_queue import JobQueue
from poseway.storage import ObjectStore
from poseway.telemetry import traces
from poseway_gateway.dispatcher import metrics
from poseway_gateway.dispatcher.clients import Services
from poseway_gateway.dispatcher.fair_order import FairOrder
from poseway_gateway.dispatcher.job_record import JobRecord
from poseway_gateway.dispatcher.pipeline import Pipeline
from poseway_gateway.dispatcher.reporter import ProgressReporter
from poseway_gateway.dispatcher.root_cause import root_cause
from poseway_gateway.dispatcher.settings import DispatcherSettings

log = structlog.get_logger(__name__)

RENDERER_STOPS_SECONDS = 1.0
RESTARTS = 1
"""Restarts of a job whose segments do not match, for example after an upgrade."""


class Worker:
    """Runs jobs of the queue, one after another."""

    def __init__(
        self,
        store: ObjectStore,
        queue: JobQueue,
        fair_order: FairOrder,
        services: Services,
        settings: DispatcherSettings,
    ) -> None:
        self._store = store
        self._queue = queue
        self._fair_order = fair_order
        self._services = services
        self._settings = settings

    async def work(self, stopping: asyncio.Event) -> None:
        """Runs jobs until `stopping` is set. An unfinished job is then handed back."""
        async for delivered in self._queue.deliveries(stopping):
            delivery = await self._fair_order.choose(delivered)
            job = delivery.job_id
            with (
                structlog.contextvars.bound_contextvars(job=job),
                metrics.IN_HAND.track_inprogress(),
                traces.tracer.start_as_current_span(
                    "job",
                    traces.parent(delivery.headers.items()),
                    trace.SpanKind.CONSUMER,
                    traces.attributes(job_id=job),
                ) as span,
            ):
                async with delivery.heartbeats():
                    result = await self._deliver(delivery, stopping)
                metrics.DELIVERIES.labels(result).inc()
                attributes = traces.attributes(delivery=delivery.attempt, result=result)
                span.set_attributes(attributes)

    async def _deliver(self, delivery: Delivery | EarlyDelivery, stopping: asyncio.Event) -> str:
        """Ends a job or hands it back. Errors of the job do not raise.

        Returns:
            The outcome, as in `metrics.DELIVERIES`.
        """
        record = JobRecord(self._store, delivery.job_id, self._settings.lease_terms)
        try:
            request = await asyncio.to_thread(record.load)
        except NotFoundError:
            log.info("job was removed")
            await delivery.done()
            return "removed"
        except UnavailableError as error:
            log.warning("handed back", reason=error.message)
            await delivery.hand_back(delay=5)
            return "handed_back"
        except ValidationError:
            # A newer version may have written it, and one of its dispatchers may take the job.
            log.exception("job record cannot be read")
            await delivery.hand_back(delay=300)
            return "handed_back"
        if record.leased_by_another():
            log.info("leased by another dispatcher")
            await delivery.hand_back(delay=self._settings.nats_ack_wait_seconds)
            return "elsewhere"
        try:
            finished = await self._attempt(request, record, delivery, stopping)
            if finished and request.webhook_url is not None:
                # Before the job is off the queue, so that the webhook is sent at least once.
                await self._queue.publish_ended(request.id)
        except ConflictError:
            # The message is redelivered when the job has ended or the other lease has expired.
            log.warning("lease lost to another dispatcher")
            return "lost"
        except UnavailableError as error:
            log.warning("handed back", reason=error.message)
            await self._hand_back(
                record, delivery, delay=self._settings.retry_seconds, counted=False
            )
            return "handed_back"
        except Exception as error:
            log.exception("attempt failed", attempt=record.status.attempts)
            trace.get_current_span().set_status(trace.StatusCode.ERROR, type(error).__name__)
            await self._hand_back(record, delivery, delay=2, counted=True)
            return "broken"
        if finished:
            await delivery.done()
            return "ended"
        await self._hand_back(record, delivery, delay=0, counted=False)
        return "handed_back"

    async def _hand_back(
        self, record: JobRecord, delivery: Delivery | EarlyDelivery, *, delay: float, counted: bool
    ) -> None:
        # If storage fails, the same job would be chosen again at once.
        self._fair_order.served(delivery.owner)
        try:
            # Storage may not respond for minutes, which is longer than a stop may take.
            async with asyncio.timeout(self._settings.hand_back_seconds):
                await asyncio.to_thread(record.hand_back, counted=counted)
        except TimeoutError:
            log.warning("record not written", reason="Object storage does not answer.")
        except PosewayError as error:
            log.warning("record not written", reason=error.message)
        await delivery.hand_back(delay=delay)

    async def _attempt(
        self,
        request: JobRequest,
        record: JobRecord,
        delivery: Delivery | EarlyDelivery,
        stopping: asyncio.Event,
    ) -> bool:
        """Makes one attempt at a job. Returns whether the job has ended, successfully or not."""
        if record.status.state.finished:
            await asyncio.to_thread(record.clean_up)
            return True
        if await asyncio.to_thread(record.cancelled):
            await self._end(record, JobState.CANCELLED)
            return True
        if record.status.attempts >= self._settings.max_attempts:
            await self._end(record, JobState.FAILED, error=_WORN_OUT)
            return True
        first = record.status.started_at is None
        await self._fair_order.begin(delivery, record)
        metrics.REDELIVERIES.inc(not first)
        if first:
            metrics.WAIT_SECONDS.observe(record.age_seconds)
        _mark_span(attempt=record.status.attempts)
        log.info("begun", name=request.name, bytes=request.size, attempt=record.status.attempts)
        try:
            return await self._run(request, record, stopping)
        except IncompatibleError as error:
            if record.status.restarts < RESTARTS:
                log.warning("job restarted from the beginning", reason=error.message)
                await asyncio.sleep(RENDERER_STOPS_SECONDS)
                await asyncio.to_thread(record.start_over)
                return False
            failure: PosewayError = error
        except DecoderError as error:
            if record.status.attempts < self._settings.max_attempts:
                raise
            failure = error
        except (InvalidRequestError, VideoError, NotFoundError) as error:
            failure = error
        why = JobError(code=failure.code, message=failure.message)
        await self._end(record, JobState.FAILED, error=why)
        return True

    async def _run(self, request: JobRequest, record: JobRecord, stopping: asyncio.Event) -> bool:
        """Runs the pipeline until it ends, the job is cancelled or the dispatcher stops."""
        cancelled = asyncio.Event()

        async def cancel() -> None:
            cancelled.set()

        pipeline = Pipeline(
            request,
            record,
            self._store,
            self._services,
            self._settings,
            ProgressReporter(self._queue, record).report,
        )
        async with self._queue.on_cancel(request.id, cancel):
            run = asyncio.create_task(pipeline.run())
            lease = asyncio.create_task(self._keep_lease(record, cancelled))
            signals = [asyncio.create_task(event.wait()) for event in (cancelled, stopping)]
            try:
                await asyncio.wait({run, lease, *signals}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (lease, *signals):
                    task.cancel()
                if not run.done():
                    run.cancel()
                    # Writes that were started complete, unless storage does not respond.
                    patience = self._settings.stop_seconds if stopping.is_set() else None
                    await asyncio.wait({run}, timeout=patience)
        if lease.done() and not lease.cancelled() and (lost := lease.exception()):
            raise lost
        if not run.done():
            log.warning("run abandoned", reason="Object storage does not answer.")
            return False
        if run.cancelled():
            # The renderer notices within a frame. After that, no write races with the clean-up.
            await asyncio.sleep(RENDERER_STOPS_SECONDS)
            if cancelled.is_set():
                await self._end(record, JobState.CANCELLED)
            return cancelled.is_set()
        if error := run.exception():
            raise root_cause(error)
        frames = run.result().frames
        metrics.FRAMES.inc(frames)
        _mark_span(frames=frames)
        await self._end(record, JobState.SUCCEEDED, frames=frames)
        return True

    async def _keep_lease(self, record: JobRecord, cancelled: asyncio.Event) -> None:
        """Renews the lease regularly, and checks whether the job was cancelled.

        Raises:
            ConflictError: The lease was lost to another dispatcher.
        """
        while True:
            await asyncio.sleep(self._settings.heartbeat_seconds)
            try:
                await asyncio.to_thread(record.renew)
                # The cancel signal can be lost; the record cannot.
                if await asyncio.to_thread(record.cancelled):
                    cancelled.set()
            except UnavailableError as error:
                log.warning("lease not renewed", reason=error.message)

    async def _end(
        self,
        record: JobRecord,
        state: JobState,
        *,
        frames: int | None = None,
        error: JobError | None = None,
    ) -> None:
        await asyncio.to_thread(record.finish, state, frames=frames, error=error)
        code = error.code if error else ""
        metrics.ENDED.labels(state.value, code).inc()
        metrics.JOB_SECONDS.labels(state.value).observe(record.age_seconds)
        _mark_span(state=state.value, code=code)
        log.info("ended", state=state.value, code=code or None)
        await self._queue.report(record.job_id, record.status.model_dump_json().encode())


_WORN_OUT = JobError(
    code="too_many_attempts",
    message="This video could not be processed: every attempt was interrupted. Convert it to MP4 "
    "(H.264) and upload it again. If that fails too, contact the operator of this system.",
)


def _mark_span(**values: traces.Value) -> None:
    """Sets attributes of the current span."""
    trace.get_current_span().set_attributes(traces.attributes(**values))
