"""Jobs as the API shows them: the record and its status in one, with links."""

from poseway.formats.exports import FORMATS
from poseway.jobs import Job, JobRequest, JobState, JobStatus
from poseway_gateway.api.jobs.shared_links import with_share


def view(request: JobRequest, status: JobStatus) -> Job:
    """Returns a job as the API shows it."""
    if status.state.finished:
        # An older dispatcher may have recorded another progress for the same end.
        status = status.ended(status.state)
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
        links=with_share(request, _links(request, status.state)),
    )


def _links(request: JobRequest, state: JobState) -> dict[str, str]:
    """Returns the paths of everything that can be requested of a job in this state."""
    base = f"/v1/jobs/{request.id}"
    links = {"self": base, "events": f"{base}/events"}
    if state is JobState.RUNNING:
        links["preview"] = f"{base}/preview"
    if state is JobState.SUCCEEDED:
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
    return links
