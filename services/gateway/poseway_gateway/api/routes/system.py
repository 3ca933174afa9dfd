"""What operators and clients ask about the system itself."""

from urllib.parse import quote

import prometheus_client
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from poseway.errors import NotFoundError, UnavailableError
from poseway.model_cards import Measured
from poseway_gateway.api.dependencies import (
    AuthenticatorDep,
    ModelChoiceDep,
    QueueDep,
    SettingsDep,
    StorageProbeDep,
)
from poseway_gateway.api.web import object_response
from poseway_gateway.api.web.error_codes import documented

router = APIRouter(tags=["system"])


class OfferedModel(BaseModel):
    """A model that a job can choose."""

    name: str
    title: str
    licence: str
    default: bool
    measured: Measured | None = Field(description="How good and how fast; null if not measured.")


class OfferedModels(BaseModel):
    """The models, the default first."""

    models: list[OfferedModel]


class Health(BaseModel):
    """That it works."""

    status: str = "ok"


@router.get("/v1/models")
def list_models(models: ModelChoiceDep) -> OfferedModels:
    """Lists the models."""
    return OfferedModels(
        models=[
            OfferedModel(
                name=card.name,
                title=card.title,
                licence=card.licence,
                default=card.default,
                measured=card.measured,
            )
            for card in models.offered
        ]
    )


@router.get(
    "/v1/sample",
    response_class=Response,
    responses=object_response.RESPONSES | documented("no_sample", "range_not_satisfiable"),
)
def get_sample(request: Request, settings: SettingsDep) -> Response:
    """A video to try this with. Takes Range requests."""
    video = settings.sample_video
    if not video.is_file():
        raise NotFoundError("There is no sample video here. Upload one of your own.", "no_sample")
    return object_response.send_file(
        request, video, f"attachment; filename*=UTF-8''{quote(video.name)}"
    )


@router.get("/healthz")
async def healthz() -> Health:
    """Whether the process lives."""
    return Health()


@router.get("/readyz")
async def readyz(storage_probe: StorageProbeDep, queue: QueueDep) -> Health:
    """Whether jobs can be taken: object storage and queue are there."""
    await queue.check()
    try:
        await storage_probe.check()
    except NotFoundError as error:
        raise UnavailableError("There is no bucket. Create it.", "not_ready") from error
    return Health()


@router.get("/metrics", include_in_schema=False)
async def metrics(authenticator: AuthenticatorDep) -> Response:
    """Metrics for Prometheus; where callers need keys, on a port of their own only."""
    if authenticator.keys_needed:
        raise NotFoundError("Metrics are at the port that POSEWAY_METRICS_PORT says.")
    return Response(
        prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST
    )
