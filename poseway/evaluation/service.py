"""Starts the inference service for an evaluation, and calls it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

import grpc
import numpy as np
from numpy.typing import NDArray

from poseway.local.ports import HOST, free_ports
from poseway.local.probes import serves
from poseway.local.supervisor import Process, Supervisor
from poseway.paths import ROOT
from poseway.rpc.client import connect, repeat
from poseway.rpc.model_lookup import find_model
from poseway.v1 import inference_pb2, inference_pb2_grpc, pose_pb2

_CALL_SECONDS: Final = 120
_PATIENCE_SECONDS: Final = 120


@contextmanager
def started() -> Iterator[str]:
    """Starts an inference service with default settings for the block; yields its ``host:port``.

    The service never outlives this process.

    Raises:
        StackError: The service does not start; the message has its last lines of output.
    """
    port = free_ports(1)[0]
    address = f"{HOST}:{port}"
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = Process(
        "inference",
        [sys.executable, "-m", "poseway_inference"],
        {"POSEWAY_HOST": HOST, "POSEWAY_PORT": str(port), "PYTHONPATH": path},
        lambda: serves(address),
        grace_seconds=30,
    )
    with TemporaryDirectory(prefix="poseway-evaluate-") as logs:
        supervisor = Supervisor(Path(logs))
        try:
            supervisor.start([process])
            yield address
        finally:
            supervisor.stop()


class Inference:
    """Calls of the inference service; they raise the errors of `poseway.rpc.client.repeat`."""

    def __init__(self, address: str) -> None:
        self._replicas = connect(address)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._replicas.close()

    async def model(self, name: str | None) -> inference_pb2.Model:
        """Gets how the service runs a model; see `poseway.rpc.model_lookup.find_model`."""
        return await find_model(self._replicas, name, _PATIENCE_SECONDS)

    async def estimate(
        self, header: inference_pb2.BatchHeader, bgr: NDArray[np.uint8]
    ) -> pose_pb2.FramePoses:
        """Detects the people in one frame, uint8 (height, width, 3), blue first."""
        height, width = bgr.shape[:2]
        frame = inference_pb2.Frame(width=width, height=height, bgr=bgr.tobytes())
        requests = [
            inference_pb2.EstimatePosesRequest(header=header),
            inference_pb2.EstimatePosesRequest(frame=frame),
        ]

        async def call(channel: grpc.aio.Channel) -> pose_pb2.FramePoses:
            stub = inference_pb2_grpc.InferenceServiceStub(channel)
            answers = stub.EstimatePoses(iter(requests), timeout=_CALL_SECONDS)
            [poses] = [answer.poses async for answer in answers]
            return poses

        return await repeat(self._replicas, call, "inference", _PATIENCE_SECONDS)
