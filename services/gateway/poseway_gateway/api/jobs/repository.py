"""The jobs as object storage knows them: made, listed, cancelled, removed."""

import threading
from collections import OrderedDict

from pydantic import TypeAdapter, ValidationError

from poseway.errors import InvalidRequestError, NotFoundError
from poseway.formats.exports import FORMATS
from poseway.formats.manifest import Manifest
from poseway.jobs import Job, JobId, JobOptions, JobRequest, JobState, JobStatus, Keys
from poseway.storage import ObjectStore
from poseway_gateway.api.jobs.shared_links import with_share

_JOB_ID: TypeAdapter[str] = TypeAdapter(JobId)


def parse_options(fields: dict[str, str]) -> JobOptions:
    """Reads the options of a job from the text fields of a form; empty fields count as absent.

    Raises:
        InvalidRequestError: An option is unknown or has no valid value; the message names it.
    """
    unknown = sorted(set(fields) - set(JobOptions.model_fields))
    if unknown:
        known = ", ".join(JobOptions.model_fields)
        raise InvalidRequestError(
            f"There is no option {unknown[0]!r}, only: {known}.", "invalid_options"
        )
    try:
        return JobOptions.model_validate({k: v for k, v in fields.items() if v != ""})
    except ValidationError as error:
        what = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'options'}: {item['msg']}"
            for item in error.errors()
        )
        message = f"The options are not valid. {what}."
        raise InvalidRequestError(message, "invalid_options") from None


def view(request: JobRequest, status: JobStatus) -> Job:
    """A job as the API shows it."""
    if status.state.finished:
        status = status.ended(status.state)  # an older dispatcher may have written another progress
    base = f"/v1/jobs/{request.id}"
    links = {"self": base, "events": f"{base}/events"}
    if status.state is JobState.RUNNING:
        links["preview"] = f"{base}/preview"
    if status.state is JobState.SUCCEEDED:
        links |= {
            "frames": f"{base}/frames",
            "zip": f"{base}/all.zip",
            "manifest": f"{base}/manifest.json",
            "video": f"{base}/video.mp4",
            "poster": f"{base}/poster.jpg",
            "contact_sheet": f"{base}/contact_sheet.jpg",
            "keypoints": f"{base}/keypoints.jsonl",
            "tracks": f"{base}/tracks.json",
            "formats": f"{base}/formats",
        }
        links |= {made.name: f"{base}/{made.file}" for made in FORMATS}
        if request.options.has_background:
            links["background"] = f"{base}/background.mp4"
    return Job(
        id=request.id,
        name=request.name,
        size=request.size,
        state=status.state,
        progress=status.progress,
        options=request.options,
        created_at=request.created_at,
        started_at=status.started_at,
        finished_at=status.finished_at,
        error=status.error,
        links=with_share(request, links),
    )


def no_such_job(job_id: str) -> NotFoundError:
    """The error for a job that is not there, or that its asker may not know of."""
    return NotFoundError(f"There is no job {job_id[:64]!r}.", "job_not_found")


_KEPT = 5000


def _listed(owner: str, job_id: str) -> str:
    """Key of the empty object that puts a job into its owner's list."""
    return f"owners/{owner}/{job_id}/job"


class Catalog:
    """All jobs. Safe to use from several threads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._requests: OrderedDict[str, JobRequest] = OrderedDict()
        self._keeping = threading.Lock()

    def add(self, request: JobRequest) -> Job:
        """Records a job whose upload is complete."""
        if request.owner:
            # First: a name in somebody's list without a job is passed over, a job without is lost.
            self._store.put(_listed(request.owner, request.id), b"", "application/octet-stream")
        data = request.model_dump_json().encode()
        self._store.put(Keys(request.id).request, data, "application/json", if_absent=True)
        return view(request, JobStatus())

    def forget(self, request: JobRequest) -> None:
        """Takes back `add`: the job was not accepted."""
        self._store.delete_prefix(Keys(request.id).record)
        if request.owner:
            self._store.delete(_listed(request.owner, request.id))

    def request(self, job_id: str) -> JobRequest:
        """What was asked.

        Raises:
            NotFoundError: There is no such job.
        """
        try:
            data, _ = self._store.get(Keys(_JOB_ID.validate_python(job_id)).request)
        except (NotFoundError, ValidationError):
            raise no_such_job(job_id) from None
        request = JobRequest.model_validate_json(data)
        with self._keeping:
            self._requests[job_id] = request
            if len(self._requests) > _KEPT:
                self._requests.popitem(last=False)
        return request

    def known(self, job_id: str) -> JobRequest | None:
        """What was asked, if it is at hand; the job may be gone meanwhile."""
        return self._requests.get(job_id)

    def status(self, job_id: str) -> JobStatus:
        """How a job stands."""
        keys = Keys(job_id)
        try:
            status = JobStatus.model_validate_json(self._store.get(keys.status)[0])
        except NotFoundError:
            status = JobStatus()
        # Nobody has begun a job that is queued, so a wish to cancel it is as good as done.
        if status.state is JobState.QUEUED and self._store.exists(keys.cancel):
            return status.ended(JobState.CANCELLED)
        progress = status.progress
        if status.state is JobState.SUCCEEDED and progress.frames_done != progress.frames_total:
            return status.ended(status.state, frames=self._frames(keys))
        return status

    def _frames(self, keys: Keys) -> int | None:
        """Frames of a result; None if its manifest does not tell."""
        try:
            return Manifest.model_validate_json(self._store.get(keys.manifest)[0]).frames
        except (NotFoundError, ValidationError):
            return None

    def job(self, job_id: str) -> Job:
        """A job; raises `NotFoundError` if there is none."""
        return view(self.request(job_id), self.status(job_id))

    def cancel_or_remove(self, job_id: str) -> Job | None:
        """Removes a finished job with its result, or asks for an unfinished one to be cancelled.

        Returns:
            The job if it was cancelled, None if it was removed.
        """
        request = self.request(job_id)
        job = view(request, self.status(job_id))
        keys, owner = Keys(job_id), request.owner
        if job.state.finished:
            self._store.delete_prefix(keys.result)
            self._store.delete(keys.upload)
            self._store.delete_prefix(keys.record)
            if owner:
                self._store.delete(_listed(owner, job_id))
            return None
        self._store.put(keys.cancel, b"", "application/octet-stream")
        return job
