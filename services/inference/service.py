"""The inference service as gRPC sees it."""

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import numpy as np
import prometheus_client
import structlog
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError, NotFoundError
from poseway.v1 import inference_pb2, inference_pb2_grpc, pose_pb2
from services.inference.decoder import People
from services.inference.engine import Engine
from services.inference.estimator import PoseEstimator
from services.inference.pool import Pool

_FRAMES = prometheus_client.Counter("poseway_inference_frames", "Frames whose people were found.")
_SECONDS = prometheus_client.Histogram(
    "poseway_inference_batch_seconds", "Time of a batch in the network and the decoder."
)

_MAX_SIDE = 8192


@dataclass(frozen=True)
class OfferedModel:
    """A model that is loaded.

    Attributes:
        name: Name by which callers choose it.
        engine: Runs its network.
        estimator: The whole of it.
        input_height: Height in pixels to which frames are scaled.
    """

    name: str
    engine: Engine
    estimator: PoseEstimator
    input_height: int


Frames = Pool["tuple[int, NDArray[np.uint8]]", "pose_pb2.FramePoses"]


class InferenceService(inference_pb2_grpc.InferenceServiceServicer):
    """Answers calls with what the models find."""

    def __init__(self, models: list[OfferedModel], pool: Frames) -> None:
        """Takes calls for some models.

        Args:
            models: The models, the default first.
            pool: Works on the frames.
        """
        self._models = {model.name: model for model in models}
        self._pool = pool

    def ListModels(  # noqa: N802 # gRPC's name
        self, request: inference_pb2.ListModelsRequest, context: grpc.ServicerContext
    ) -> inference_pb2.ListModelsResponse:
        """Says which models there are and how they are run."""
        return inference_pb2.ListModelsResponse(
            models=[
                inference_pb2.Model(
                    name=model.name,
                    sha256=model.engine.sha256,
                    engine=model.engine.name,
                    device=model.engine.device,
                    precision=model.engine.precision,
                    input_height=model.input_height,
                )
                for model in self._models.values()
            ]
        )

    def EstimatePoses(  # noqa: N802 # gRPC's name
        self,
        request_iterator: Iterator[inference_pb2.EstimatePosesRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[inference_pb2.EstimatePosesResponse]:
        """Finds the people in a batch of frames."""
        # Added to all that this thread logs until its next call, also to how the call ended.
        structlog.contextvars.clear_contextvars()
        header = _header(next(request_iterator, None))
        structlog.contextvars.bind_contextvars(job=header.job_id)
        model = self._models.get(header.model)
        if model is None:
            known = ", ".join(self._models)
            raise NotFoundError(
                f"There is no model {header.model!r} here, only: {known}.", "unknown_model"
            )
        estimator = model.estimator
        size = (header.source_width, header.source_height)

        def work(frames: list[tuple[int, NDArray[np.uint8]]]) -> list[pose_pb2.FramePoses]:
            with _SECONDS.time():
                people = estimator.estimate([f for _, f in frames], size, header.max_people)
            _FRAMES.inc(len(frames))
            return [_poses(index, p) for (index, _), p in zip(frames, people, strict=True)]

        for poses in self._pool.map(work, map(_frame, request_iterator)):
            yield inference_pb2.EstimatePosesResponse(poses=poses)


def _header(request: inference_pb2.EstimatePosesRequest | None) -> inference_pb2.BatchHeader:
    if request is None or request.WhichOneof("message") != "header":
        raise InvalidRequestError("The first message of a batch must be its header.")
    header = request.header
    if header.source_width < 1 or header.source_height < 1:
        raise InvalidRequestError("source_width and source_height must be at least 1.")
    if header.max_people < 0:
        raise InvalidRequestError("max_people must not be negative.")
    return header


def _frame(request: inference_pb2.EstimatePosesRequest) -> tuple[int, NDArray[np.uint8]]:
    if request.WhichOneof("message") != "frame":
        raise InvalidRequestError("Every message after the header must be a frame.")
    frame = request.frame
    if not (1 <= frame.width <= _MAX_SIDE and 1 <= frame.height <= _MAX_SIDE):
        raise InvalidRequestError(
            f"Frame {frame.index} is {frame.width}x{frame.height}; both must be 1 to {_MAX_SIDE}."
        )
    if len(frame.bgr) != frame.width * frame.height * 3:
        raise InvalidRequestError(
            f"Frame {frame.index} has {len(frame.bgr)} bytes, not {frame.width} x {frame.height} "
            "x 3."
        )
    pixels = np.frombuffer(frame.bgr, np.uint8).reshape(frame.height, frame.width, 3)
    return frame.index, pixels


def _poses(index: int, people: People) -> pose_pb2.FramePoses:
    return pose_pb2.FramePoses(
        frame_index=index,
        poses=[
            pose_pb2.Pose(keypoints=keypoints.ravel(), score=score)
            for keypoints, score in zip(people.keypoints, people.scores, strict=True)
        ],
    )
