"""Keypoints of a time range of a result, for players and tools."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from poseway.errors import InvalidRequestError, NotFoundError
from poseway.jobs import Keys
from poseway_gateway.api.dependencies import KnownJob, StoreDep
from poseway_gateway.api.jobs.frame_slices import MAX_SECONDS, cut
from poseway_gateway.api.web.conditional import not_modified
from poseway_gateway.api.web.error_codes import documented

router = APIRouter(prefix="/v1/jobs/{job_id}/frames", tags=["results"])

_A_YEAR: Final = 366 * 86_400


class FramePerson(BaseModel):
    """A person in a frame."""

    id: int = Field(description="Track id, the same in every frame.")
    score: float = Field(description="Confidence of the person, 0 to 1.")
    keypoints: list[float] = Field(
        description="54 numbers: x and y in pixels of the source, and score, of each of the 18 "
        "keypoints, as they are drawn, so smoothed if the job's options say so. 0, 0, 0 for a "
        "keypoint that was not detected."
    )
    filled: list[int] = Field(
        description="Indices, 0 to 17, of keypoints that were not detected but filled in."
    )
    angles: dict[str, float | None] = Field(
        description="Joint angles in the image, 0 to 180 degrees; null if not detected."
    )


class Frame(BaseModel):
    """A frame and the people in it."""

    frame: int = Field(description="Index of the frame in the video, from 0.")
    time: float = Field(description="Presentation time in seconds.")
    people: list[FramePerson] = Field(description="People in the frame.")


_PERSON: Final[dict[str, Any]] = {
    "id": 1,
    "score": 0.81,
    "keypoints": [312.5, 80.25, 0.93] * 18,
    "filled": [16],
    "angles": {"left_elbow": 151.2, "right_elbow": None, "trunk": 4.8},
}


class FramePage(BaseModel):
    """The frames of a time range."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"frames": [{"frame": 300, "time": 10.01, "people": [_PERSON]}], "next": 10.043367}
            ]
        }
    )

    frames: list[Frame] = Field(description="All frames of the range, in order.")
    next: float | None = Field(
        description="Presentation time of the next frame: request it as `start` to continue. Null "
        "at the end of the video."
    )


@router.get(
    "",
    response_model=FramePage,
    responses=documented("job_not_found", "no_result", "invalid_request", "unavailable")
    | {304: {"description": "Unchanged since the ETag of If-None-Match"}},
)
def get_frames(
    job: KnownJob,
    request: Request,
    store: StoreDep,
    start: Annotated[
        float,
        Query(
            ge=0,
            le=_A_YEAR,
            description="Start in seconds; the first frame is the one on screen then.",
        ),
    ] = 0.0,
    end: Annotated[
        float | None,
        Query(ge=0, le=_A_YEAR, description="End in seconds, exclusive."),
    ] = None,
) -> Response:
    """Returns the keypoints and joint angles of the frames from `start` to `end`.

    A response covers at most 60 seconds and 4,000 frames; `next` is where to continue.
    """
    if end is None:
        end = start + MAX_SECONDS
    if end <= start:
        raise InvalidRequestError("end: Must be greater than start.", "invalid_request")
    keys = Keys(job.id)
    try:
        store.head(keys.manifest)
        info = store.head(keys.keypoints)
    except NotFoundError:
        raise NotFoundError("The job has no result yet. Check its state.", "no_result") from None
    headers = {"ETag": f"W/{info.etag}", "Cache-Control": "private, no-cache"}
    if answer := not_modified(request, headers):
        return answer
    frames, following = cut(partial(store.stream, keys.keypoints), info.size, start, end)
    content = to_json({"frames": frames, "next": following})
    return Response(content, headers=headers, media_type="application/json")
