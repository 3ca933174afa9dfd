"""Dependencies of the routes, declared once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import Depends, Header, Path, Request

from poseway.errors import UnavailableError
from poseway.jobs import JobId, JobRequest
from poseway.messaging.job_queue import JobQueue
from poseway.storage import ObjectStore
from poseway_gateway.api.access.authenticator import Authenticator
from poseway_gateway.api.access.caller import Caller
from poseway_gateway.api.errors import AccessError
from poseway_gateway.api.events.hub import Hub
from poseway_gateway.api.events.stream_limits import StreamLimits
from poseway_gateway.api.jobs.listing import Listing
from poseway_gateway.api.jobs.model_choice import ModelChoice
from poseway_gateway.api.jobs.previews import Previews
from poseway_gateway.api.jobs.repository import JobRepository, no_such_job
from poseway_gateway.api.jobs.shared_links import SharedRequest
from poseway_gateway.api.monitoring.storage_probe import StorageProbe
from poseway_gateway.api.settings import ApiSettings
from poseway_gateway.api.uploads.memory_budget import MemoryBudget
from poseway_gateway.api.uploads.multipart_uploads import MultipartUploads
from poseway_gateway.api.uploads.named_locks import NamedLocks
from poseway_gateway.api.uploads.part_relay import PartRelay
from poseway_gateway.api.uploads.submission import Submission
from poseway_gateway.api.uploads.upload_record import UploadRecord


def _settings(request: Request) -> ApiSettings:
    return cast("ApiSettings", request.app.state.settings)


def _store(request: Request) -> ObjectStore:
    return cast("ObjectStore", request.app.state.store)


async def _queue(request: Request) -> JobQueue:
    connecting = cast("asyncio.Task[JobQueue]", request.app.state.connecting)
    if not connecting.done():
        raise UnavailableError("The work queue cannot be reached. Try again soon.")
    return connecting.result()


def _repository(request: Request) -> JobRepository:
    return cast("JobRepository", request.app.state.repository)


def _stopping(request: Request) -> asyncio.Event:
    return cast("asyncio.Event", request.app.state.stopping)


def _models(request: Request) -> ModelChoice:
    return cast("ModelChoice", request.app.state.models)


def _listing(request: Request) -> Listing:
    return cast("Listing", request.app.state.listing)


def _hub(request: Request) -> Hub:
    return cast("Hub", request.app.state.hub)


def _previews(request: Request) -> Previews:
    return cast("Previews", request.app.state.previews)


def _authenticator(request: Request) -> Authenticator:
    return cast("Authenticator", request.app.state.authenticator)


def _budget(request: Request) -> MemoryBudget:
    return cast("MemoryBudget", request.app.state.budget)


def _storage_probe(request: Request) -> StorageProbe:
    return cast("StorageProbe", request.app.state.storage_probe)


SettingsDep = Annotated[ApiSettings, Depends(_settings)]
StoreDep = Annotated[ObjectStore, Depends(_store)]
QueueDep = Annotated[JobQueue, Depends(_queue)]
StorageProbeDep = Annotated[StorageProbe, Depends(_storage_probe)]
JobRepositoryDep = Annotated[JobRepository, Depends(_repository)]
StoppingDep = Annotated[asyncio.Event, Depends(_stopping)]
ModelChoiceDep = Annotated[ModelChoice, Depends(_models)]
ListingDep = Annotated[Listing, Depends(_listing)]
HubDep = Annotated[Hub, Depends(_hub)]
PreviewsDep = Annotated[Previews, Depends(_previews)]
AuthenticatorDep = Annotated[Authenticator, Depends(_authenticator)]


def _relay(request: Request) -> PartRelay:
    return cast("PartRelay", request.app.state.relay)


def _locks(request: Request) -> NamedLocks:
    return cast("NamedLocks", request.app.state.locks)


def _uploads(store: StoreDep, settings: SettingsDep) -> MultipartUploads:
    return MultipartUploads(store, settings.max_upload_bytes, settings.upload_seconds)


PartRelayDep = Annotated[PartRelay, Depends(_relay)]
UploadLocksDep = Annotated[NamedLocks, Depends(_locks)]
UploadsDep = Annotated[MultipartUploads, Depends(_uploads)]
MemoryBudgetDep = Annotated[MemoryBudget, Depends(_budget)]


def _submission(store: StoreDep, repository: JobRepositoryDep, queue: QueueDep) -> Submission:
    return Submission(store, repository, queue)


SubmissionDep = Annotated[Submission, Depends(_submission)]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Your name for this request. A request repeated with the same key within 24 "
        "hours creates no second job.",
    ),
]

JobIdPath = Annotated[str, Path(description="Id of the job.")]


def _caller(request: Request) -> Caller:
    # Set by `AccessMiddleware` before anything of the body was read.
    caller = cast("Caller | AccessError", request.state.caller)
    if isinstance(caller, AccessError):
        raise caller
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]
"""The caller; 401 without valid credentials."""


async def _stream_slot(request: Request, caller: CallerDep) -> AsyncIterator[None]:
    with cast("StreamLimits", request.app.state.stream_limits).take(caller):
        yield


StreamSlotDep = Annotated[None, Depends(_stream_slot)]
"""Counts an event stream for as long as it is open; 429 or 503 if there are too many."""


def _known(job_id: JobIdPath, caller: CallerDep, repository: JobRepositoryDep) -> JobRequest:
    request = repository.request(job_id)
    if not caller.may_see(request):
        raise no_such_job(job_id)
    if caller.share is not None:
        return SharedRequest(**dict(request), share=caller.share.token)
    return request


KnownJob = Annotated[JobRequest, Depends(_known)]
"""The request of the job in the path; 404 if it does not exist or the caller may not see it."""

UploadIdPath = Annotated[JobId, Path(description="Id of the upload.")]


def _upload(upload_id: UploadIdPath, caller: CallerDep, uploads: UploadsDep) -> UploadRecord:
    return uploads.find(upload_id, caller.owner)


KnownUpload = Annotated[UploadRecord, Depends(_upload)]
"""The upload in the path; 404 if it does not exist, has another owner or has expired."""
