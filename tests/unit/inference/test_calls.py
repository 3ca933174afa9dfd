"""gRPC calls that end before they are answered."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import grpc
import numpy as np
import pytest

from poseway.v1 import inference_pb2_grpc
from poseway_inference.engines.base import Engine
from poseway_inference.families.base import Frame, People
from poseway_inference.model_loader import LoadedModel
from poseway_inference.service import InferenceService
from tests.integration.inference.test_service import SMALL, estimate, frame, header
from tests.support.waiting import until


class BlockedEstimator:
    """An estimator that blocks until it is released, like a long queue."""

    batch_size = 1

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.estimated = 0

    def shape(self, frame: Frame) -> tuple[int, ...]:
        return frame.source_size

    def estimate(self, frames: Sequence[Frame]) -> list[People]:
        self.begun.set()
        assert self.go_on.wait(30)
        self.estimated += len(frames)
        nobody = np.zeros((0, 18, 3), np.float32), np.zeros(0, np.float32)
        return [People(*nobody) for _ in frames]


def test_calls_without_a_waiting_client_are_dropped(engine: Engine) -> None:
    """Cancelled or past their deadline: their frames are neither counted nor processed."""
    blocked = BlockedEstimator()
    service = InferenceService(
        {"blocked": LoadedModel(engine, blocked, 8, 8)},
        {},
        workers=1,
        batch_frames=0,
        max_delay=0,
        max_frames=64,
    )
    server = grpc.server(ThreadPoolExecutor(8))
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = inference_pb2_grpc.InferenceServiceStub(channel)
        requests = [header("blocked"), *(frame(SMALL, index) for index in range(4))]
        late = stub.EstimatePoses(iter(requests), timeout=1)
        cancelled = stub.EstimatePoses(iter(requests), timeout=60)
        assert blocked.begun.wait(10)
        with pytest.raises(grpc.RpcError) as caught:
            next(late)
        assert cast("grpc.Call", caught.value).code() is grpc.StatusCode.DEADLINE_EXCEEDED
        cancelled.cancel()
        until(lambda: not service.in_flight)
        blocked.go_on.set()
        assert len(estimate(stub, header("blocked"), frame(SMALL))) == 1
        assert blocked.estimated == 2  # the frame in progress, and the last one
    server.stop(None).wait()
