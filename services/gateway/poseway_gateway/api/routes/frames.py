"""Keypoints of a stretch of a result, for players and tools that want no more than that."""

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
    """Somebody in a frame."""

    id: int = Field(description="The same in every frame.")
    score: float = Field(description="How certain the person is, 0 to 1.")
    keypoints: list[float] = Field(
        description="54 numbers: x, y in pixels of the source and score of each of the 18 "
        "keypoints, as they are drawn: smoothed if the job asked for it. 0, 0, 0: not seen."
    )
    filled: list[int] = Field(
        description="The indices, 0 to 17, of keypoints that were not seen but filled in."
    )
    angles: dict[str, float | None] = Field(
        description="Joint angles in the picture in degrees, 0 to 180; null where not seen."
    )


class Frame(BaseModel):
    """A frame and who is in it."""

    frame: int = Field(description="Index in the video, from 0.")
    time: float = Field(description="Seconds at which it begins to be shown.")
    people: list[FramePerson]


_PERSON: Final[dict[str, Any]] = {
    "id": 1,
    "score": 0.81,
    "keypoints": [312.5, 80.25, 0.93] * 18,
    "filled": [16],
    "angles": {"left_elbow": 151.2, "right_elbow": None, "trunk": 4.8},
}


class FramePage(BaseModel):
    """The frames of a stretch of time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"frames": [{"frame": 300, "time": 10.01, "people": [_PERSON]}], "next": 10.043367}
            ]
        }
    )

    frames: list[Frame] = Field(description="In order, none left out.")
    next: float | None = Field(
        description="Time of the frame that comes next: ask again with it as `start` for what "
        "follows. Null at the end of the video."
    )


@router.get(
    "",
    response_model=FramePage,
    responses=documented("job_not_found", "no_result", "invalid_request", "unavailable")
    | {304: {"description": "Unchanged since the ETag of If-None-Match"}},
)
def get_frames(
    asked: KnownJob,
    request: Request,
    store: StoreDep,
    start: Annotated[
        float,
        Query(ge=0, le=_A_YEAR, description="Seconds; begins with the frame on screen then."),
    ] = 0.0,
    end: Annotated[
        float | None,
        Query(ge=0, le=_A_YEAR, description="Seconds; frames that begin before are sent."),
    ] = None,
) -> Response:
    """The keypoints and joint angles of the frames from `start` to `end`.

    At most 60 seconds and 4,000 frames at once; `next` says where to go on.
    """
    if end is None:
        end = start + MAX_SECONDS
    if end <= start:
        raise InvalidRequestError("end: Must be greater than start.", "invalid_request")
    keys = Keys(asked.id)
    try:
        store.head(keys.manifest)
        info = store.head(keys.keypoints)
    except NotFoundError:
        raise NotFoundError("The job has no result yet; see its state.", "no_result") from None
    headers = {"ETag": f"W/{info.etag}", "Cache-Control": "private, no-cache"}
    if answer := not_modified(request, headers):
        return answer
    frames, following = cut(partial(store.stream, keys.keypoints), info.size, start, end)
    content = to_json({"frames": frames, "next": following})
    return Response(content, headers=headers, media_type="application/json")
