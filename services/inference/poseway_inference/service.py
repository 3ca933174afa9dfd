"""The inference service over gRPC."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import grpc
import numpy as np
import prometheus_client
import structlog
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError, NotFoundError
from poseway.media.yuv import LUMA_WEIGHTS, Yuv
from poseway.v1 import inference_pb2, inference_pb2_grpc, pose_pb2
from poseway_inference.families.base import Frame, People
from poseway_inference.model_loader import LoadedModel
from poseway_inference.scheduling.batcher import Batcher
from poseway_inference.yuv import to_bgr

_FRAMES = prometheus_client.Counter("poseway_inference_frames", "Frames processed.")
_SECONDS = prometheus_client.Histogram(
    "poseway_inference_batch_seconds", "Time to run the network and the decoder on a batch."
)
_BATCH = prometheus_client.Histogram(
    "poseway_inference_batch_frames", "Frames per batch.", buckets=(1, 2, 4, 8, 16, 32)
)
_IN_FLIGHT = prometheus_client.Gauge(
    "poseway_inference_frames_in_flight", "Frames accepted but not yet answered."
)

_MAX_SIDE = 8192


class Key(NamedTuple):
    """What frames must have in common to share a batch.

    Attributes:
        model: Name of the model.
        accurate: Whether the frames are accurate ones; see `Frame.accurate`.
        shape: Widths and heights of the network's inputs; see `Estimator.shape`.
    """

    model: str
    accurate: bool
    shape: tuple[int, ...]

    @property
    def pixels(self) -> int:
        """Pixels per frame over all inputs, a measure of the work."""
        return sum(w * h for w, h in zip(self.shape[::2], self.shape[1::2], strict=True))


class InferenceService(inference_pb2_grpc.InferenceServiceServicer):
    """Finds people with any of the loaded models."""

    def __init__(
        self,
        models: Mapping[str, LoadedModel],
        missing: Mapping[str, str],
        *,
        workers: int,
        batch_frames: int,
        max_delay: float,
        max_frames: int,
    ) -> None:
        """Starts the workers.

        Args:
            models: The models by name, the default first.
            missing: The reasons why other models cannot be used, by name.
            workers: Batches processed at once.
            batch_frames: Most frames per batch; 0 uses what suits each model.
            max_delay: Seconds that a frame waits for others to fill a batch.
            max_frames: Most frames accepted but not yet answered.
        """
        self._models = models
        self._missing = missing
        self._batcher: Batcher[Key, Frame, People] = Batcher(
            self._work,
            cost=lambda key: key.pixels,
            limit=lambda key: batch_frames or models[key.model].estimator.batch_size,
            workers=workers,
            max_delay=max_delay,
            max_frames=max_frames,
        )
        _IN_FLIGHT.set_function(lambda: self.in_flight)

    @property
    def in_flight(self) -> int:
        """Frames accepted but not yet answered."""
        return self._batcher.in_flight

    def ListModels(  # noqa: N802 # gRPC's name
        self, request: inference_pb2.ListModelsRequest, context: grpc.ServicerContext
    ) -> inference_pb2.ListModelsResponse:
        """Lists the models, how each one is run, and why others are unavailable."""
        return inference_pb2.ListModelsResponse(
            models=[
                inference_pb2.Model(
                    name=name,
                    sha256=model.engine.about.sha256,
                    engine=model.engine.about.name,
                    device=model.engine.about.device,
                    precision=model.engine.about.precision,
                    input_height=model.input_height,
                    accurate_height=model.accurate_height,
                )
                for name, model in self._models.items()
            ]
            + [
                inference_pb2.Model(name=name, unavailable=reason)
                for name, reason in self._missing.items()
            ]
        )

    def EstimatePoses(  # noqa: N802 # gRPC's name
        self,
        request_iterator: Iterator[inference_pb2.EstimatePosesRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[inference_pb2.EstimatePosesResponse]:
        """Finds the people in a stream of frames; answers in the order of the frames."""
        # Applies to everything that this thread logs until its next call, including how this call
        # ends.
        structlog.contextvars.clear_contextvars()
        header = _header(next(request_iterator, None))
        structlog.contextvars.bind_contextvars(job=header.job_id)
        estimator = self._find(header.model).estimator
        indices: deque[int] = deque()

        def frames() -> Iterator[tuple[Key, Frame]]:
            for request in request_iterator:
                index, frame = _frame(request, header)
                indices.append(index)
                yield Key(header.model, frame.accurate, estimator.shape(frame)), frame

        # Only the callback learns of a call that the client ended early.
        for people in self._batcher.map(header.job_id, frames(), context.add_callback):
            poses = _poses(indices.popleft(), people)
            yield inference_pb2.EstimatePosesResponse(poses=poses)

    def _find(self, name: str) -> LoadedModel:
        if name in self._models:
            return self._models[name]
        if name in self._missing:
            raise NotFoundError(self._missing[name], "model_missing")
        known = ", ".join(self._models)
        raise NotFoundError(
            f"There is no model {name!r}. Models of this server: {known}.", "unknown_model"
        )

    def _work(self, key: Key, frames: list[Frame]) -> list[People]:
        with _SECONDS.time():
            people = self._models[key.model].estimator.estimate(frames)
        _BATCH.observe(len(frames))
        _FRAMES.inc(len(frames))
        return people


def _header(request: inference_pb2.EstimatePosesRequest | None) -> inference_pb2.BatchHeader:
    if request is None or request.WhichOneof("message") != "header":
        raise InvalidRequestError("The first message of a batch must be its header.")
    header = request.header
    if header.source_width < 1 or header.source_height < 1:
        raise InvalidRequestError("source_width and source_height must be at least 1.")
    if header.max_people < 0:
        raise InvalidRequestError("max_people must not be negative.")
    return header


def _frame(
    request: inference_pb2.EstimatePosesRequest, header: inference_pb2.BatchHeader
) -> tuple[int, Frame]:
    if request.WhichOneof("message") != "frame":
        raise InvalidRequestError("Every message after the header must be a frame.")
    frame = request.frame
    if not (1 <= frame.width <= _MAX_SIDE and 1 <= frame.height <= _MAX_SIDE):
        raise InvalidRequestError(
            f"Frame {frame.index} has {frame.width} x {frame.height} pixels; both sides must be in "
            f"1..{_MAX_SIDE}."
        )
    return frame.index, Frame(
        _pixels(frame),
        source_size=(header.source_width, header.source_height),
        max_people=header.max_people,
        accurate=header.accurate,
    )


def _pixels(frame: inference_pb2.Frame) -> NDArray[np.uint8]:
    """Returns the pixels, uint8 (height, width, 3), in the order blue, green, red."""
    width, height = frame.width, frame.height
    if frame.WhichOneof("pixels") != "yuv":
        _check_bytes(frame, len(frame.bgr), width * height * 3)
        return np.frombuffer(frame.bgr, np.uint8).reshape(height, width, 3)
    yuv = frame.yuv
    _check_bytes(frame, len(yuv.planes), Yuv.size(width, height))
    if yuv.matrix not in LUMA_WEIGHTS:
        raise InvalidRequestError(
            f"Frame {frame.index} has matrix {yuv.matrix}, not one of {sorted(LUMA_WEIGHTS)}."
        )
    return to_bgr(Yuv(width, height, yuv.planes, yuv.matrix, yuv.full_range))


def _check_bytes(frame: inference_pb2.Frame, got: int, wanted: int) -> None:
    if got != wanted:
        raise InvalidRequestError(
            f"Frame {frame.index} has {got} bytes, but {frame.width} x {frame.height} pixels have "
            f"{wanted}."
        )


def _poses(index: int, people: People) -> pose_pb2.FramePoses:
    return pose_pb2.FramePoses(
        frame_index=index,
        poses=[
            pose_pb2.Pose(keypoints=keypoints.ravel(), score=score)
            for keypoints, score in zip(people.keypoints, people.scores, strict=True)
        ],
    )
