"""``python -m poseway_inference``: loads the models and serves until SIGTERM or SIGINT."""

import poseway.lifecycle.sigterm  # noqa: F401 # first, because the other imports take long

# isort: split

import cv2
import grpc

from poseway.lifecycle.exit import leave
from poseway.rpc import server
from poseway.telemetry.service import start_telemetry, stop_telemetry
from poseway.v1 import inference_pb2, inference_pb2_grpc
from poseway_inference.model_loader import load_models
from poseway_inference.service import InferenceService
from poseway_inference.settings import InferenceSettings


def main() -> None:
    """Runs the service until SIGTERM or SIGINT."""
    # Frames are processed in parallel; OpenCV's own threads would compete with the workers.
    cv2.setNumThreads(1)
    settings = InferenceSettings()
    start_telemetry("inference", settings)
    models, missing = load_models(settings)
    service = InferenceService(
        models,
        missing,
        workers=settings.workers or max(model.engine.about.callers for model in models.values()),
        batch_frames=settings.batch_frames,
        max_delay=settings.batch_delay_seconds,
        max_frames=settings.max_frames,
    )

    def add(server: grpc.Server) -> str:
        inference_pb2_grpc.add_InferenceServiceServicer_to_server(service, server)
        return inference_pb2.DESCRIPTOR.services_by_name["InferenceService"].full_name

    server.serve(settings, add)
    stop_telemetry()
    leave()


if __name__ == "__main__":
    main()
