"""Previews of running jobs."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from poseway.errors import NotFoundError
from poseway.jobs import Keys
from poseway_gateway.api.dependencies import JobRepositoryDep, KnownJob, PreviewsDep, StoreDep
from poseway_gateway.api.jobs.shared_links import with_share
from poseway_gateway.api.web import object_response
from poseway_gateway.api.web.error_codes import documented

router = APIRouter(prefix="/v1/jobs/{job_id}/preview", tags=["results"])


class Segment(BaseModel):
    """A finished segment of a job's video."""

    number: int = Field(description="Number of the segment, from 0.")
    start: float = Field(description="Start in the whole video, in seconds.")
    end: float = Field(description="End in the whole video, in seconds.")
    url: str = Field(
        description="Path of the segment's video, an MP4 without sound that begins at 0, wherever "
        "the segment is in the whole video."
    )


class Preview(BaseModel):
    """The segments of a job that are finished."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "segments": [
                        {
                            "number": 0,
                            "start": 0.0,
                            "end": 10.01,
                            "url": "/v1/jobs/0123456789abcdef0123456789abcdef/preview/0.mp4",
                        }
                    ]
                }
            ]
        }
    )

    segments: list[Segment] = Field(
        description="Finished segments, in order. Empty before the job runs and after it has "
        "ended, when its result is available."
    )


@router.get("", responses=documented("job_not_found", "unavailable"))
def get_preview(job: KnownJob, repository: JobRepositoryDep, previews: PreviewsDep) -> Preview:
    """Lists the finished segments of a running job."""
    status = repository.status(job.id)
    if status.state.finished:
        return Preview(segments=[])
    found = previews.segments(job.id, status.restarts)
    links = with_share(
        job, {str(number): f"/v1/jobs/{job.id}/preview/{number}.mp4" for number in found}
    )
    return Preview(
        segments=[
            Segment(number=number, start=when.start, end=when.end, url=links[str(number)])
            for number, when in found.items()
        ]
    )


@router.get(
    "/{number}.mp4",
    response_class=Response,
    responses=object_response.RESPONSES
    | documented("job_not_found", "no_such_segment", "range_not_satisfiable", "unavailable"),
)
def get_segment(
    job: KnownJob,
    request: Request,
    store: StoreDep,
    previews: PreviewsDep,
    number: Annotated[int, Path(ge=0, lt=1_000_000, description="Number of the segment.")],
) -> Response:
    """Returns the video of a finished segment. Supports range requests."""
    keys = Keys(job.id)
    try:
        if not store.exists(keys.segment(number, "preview.json")):
            raise NotFoundError("not finished")
        video = store.head(keys.segment(number, "video.mp4"))
        return object_response.send_known(request, store, video, "inline", previews.change(video))
    except NotFoundError:
        raise NotFoundError(
            f"There is no finished segment {number}. If the job has ended, use its result.",
            "no_such_segment",
        ) from None
