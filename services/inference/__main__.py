"""``python -m services.inference``: loads the models, then serves until it is told to stop."""

import grpc
import structlog

from poseway import rpc, telemetry
from poseway.models import load_cards
from poseway.v1 import inference_pb2, inference_pb2_grpc
from services.inference.engine import TensorFlowEngine
from services.inference.estimator import PoseEstimator
from services.inference.pool import Pool
from services.inference.service import InferenceService, OfferedModel
from services.inference.settings import InferenceSettings

log = structlog.get_logger(__name__)


def load(settings: InferenceSettings) -> list[OfferedModel]:
    """Loads all models that have a card, the default first.

    Raises:
        NotFoundError: The weights of one are missing.
        IncompatibleError: The weights of one are not what its card says.
    """
    models = []
    for card in load_cards(settings.models_dir):
        engine = TensorFlowEngine(
            card.path(settings.models_dir),
            sha256=card.weights.sha256,
            precision=settings.precision,
        )
        log.info("model loaded", model=card.name, device=engine.device, precision=engine.precision)
        estimator = PoseEstimator(engine, input_height=settings.input_height)
        models.append(OfferedModel(card.name, engine, estimator, settings.input_height))
    return models


def main() -> None:
    """Runs the service."""
    settings = InferenceSettings()
    telemetry.start("inference", settings)
    models = load(settings)
    batch_size = models[0].engine.batch_size
    service = InferenceService(
        models, Pool(settings.worker_count(batch_size), batch_size, settings.max_frames)
    )

    def add(server: grpc.Server) -> str:
        inference_pb2_grpc.add_InferenceServiceServicer_to_server(service, server)
        return inference_pb2.DESCRIPTOR.services_by_name["InferenceService"].full_name

    rpc.serve(settings, add)


if __name__ == "__main__":
    main()
