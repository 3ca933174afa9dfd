"""Look-up of the models that the inference service runs."""

import grpc

from poseway.errors import InvalidRequestError, NotFoundError
from poseway.rpc.client import repeat
from poseway.rpc.load_balancer import Replicas
from poseway.telemetry.client import calling
from poseway.v1 import inference_pb2, inference_pb2_grpc


async def find_model(replicas: Replicas, name: str | None, patience: float) -> inference_pb2.Model:
    """Returns how the inference service runs a model.

    Args:
        replicas: Replicas of the inference service.
        name: Name of the model; None selects the default.
        patience: Seconds to wait for the service.

    Raises:
        InvalidRequestError: The service does not know the model. The message lists its models.
        NotFoundError: The model cannot be used. The message says why and what to do.
        PosewayError: See `poseway.rpc.client.repeat`.
    """

    async def call(channel: grpc.aio.Channel) -> inference_pb2.ListModelsResponse:
        stub = inference_pb2_grpc.InferenceServiceStub(channel)
        with calling("InferenceService", "ListModels") as metadata:
            return await stub.ListModels(
                inference_pb2.ListModelsRequest(), timeout=30, metadata=metadata
            )

    answer = await repeat(replicas, call, "inference", patience)
    for model in answer.models:
        if name in (None, model.name):
            if model.unavailable:
                raise NotFoundError(model.unavailable, "model_missing")
            return model
    offered = ", ".join(model.name for model in answer.models if not model.unavailable)
    raise InvalidRequestError(
        f"The model {name!r} is not running here. Choose one of: {offered}.", "unknown_model"
    )
