"""What operators and clients ask about the system itself."""

import asyncio
from http import HTTPStatus

import prometheus_client
from fastapi import APIRouter, Response
from pydantic import BaseModel

from poseway.errors import PosewayError
from services.gateway.api.deps import CardsDep, QueueDep, StoreDep
from services.gateway.api.problems import problem

router = APIRouter(tags=["system"])


class OfferedModel(BaseModel):
    """A model that a job can choose."""

    name: str
    title: str
    licence: str
    default: bool


class OfferedModels(BaseModel):
    """The models, the default first."""

    models: list[OfferedModel]


class Health(BaseModel):
    """That it works."""

    status: str = "ok"


@router.get("/v1/models")
def list_models(cards: CardsDep) -> OfferedModels:
    """Lists the models."""
    return OfferedModels(
        models=[
            OfferedModel(
                name=card.name, title=card.title, licence=card.licence, default=card.default
            )
            for card in cards
        ]
    )


@router.get("/healthz")
async def healthz() -> Health:
    """Whether the process lives."""
    return Health()


@router.get("/readyz", response_model=Health)
async def readyz(store: StoreDep, queue: QueueDep) -> Health | Response:
    """Whether jobs can be taken: object storage and queue are there."""
    missing = [] if queue.connected else ["queue"]
    try:
        await asyncio.to_thread(store.check)
    except PosewayError:
        missing.append("object storage")
    if missing:
        detail = f"Cannot be reached: {', '.join(missing)}."
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, "not_ready", {"Retry-After": "5"})
    return Health()


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    """Metrics for Prometheus."""
    return Response(
        prometheus_client.generate_latest(), media_type=prometheus_client.CONTENT_TYPE_LATEST
    )
