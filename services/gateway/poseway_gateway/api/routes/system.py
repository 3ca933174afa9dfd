"""Models, the sample video, health and metrics."""

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
    """A model that a job can use."""

    name: str = Field(description="Name of the model, for the option `model`.")
    title: str = Field(description="Title of the model, for users.")
    licence: str = Field(description="Licence of the weights.")
    default: bool = Field(description="Whether jobs use it by default.")
    measured: Measured | None = Field(description="Accuracy and speed; null if not measured.")


class OfferedModels(BaseModel):
    """The models that jobs can use, the default first."""

    models: list[OfferedModel]


class Health(BaseModel):
    """A healthy service."""

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
    """Returns a sample video to try Poseway with. Supports range requests."""
    video = settings.sample_video
    if not video.is_file():
        raise NotFoundError(
            "This gateway has no sample video. Upload a video of your own.", "no_sample"
        )
    return object_response.send_file(
        request, video, f"attachment; filename*=UTF-8''{quote(video.name)}"
    )


@router.get("/healthz")
async def healthz() -> Health:
    """Reports that the process is alive."""
    return Health()


@router.get("/readyz")
async def readyz(storage_probe: StorageProbeDep, queue: QueueDep) -> Health:
    """Reports whether jobs can be accepted: object storage and queue are reachable."""
    await queue.check()
    try:
        await storage_probe.check()
    except NotFoundError as error:
        raise UnavailableError("There is no bucket. Create it.", "not_ready") from error
    return Health()


@router.get("/metrics", include_in_schema=False)
async def metrics(authenticator: AuthenticatorDep) -> Response:
    """Returns Prometheus metrics; if callers need keys, only on a separate port."""
    if authenticator.keys_needed:
        raise NotFoundError("Metrics are served on the port POSEWAY_METRICS_PORT.")
    return Response(
        prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST
    )
