"""``python -m benchmarks.memory``: memory of the inference service over 10,000 frames.

The frames are those of the sample video in a loop, as a dispatcher sends them. They are followed by
500 frames of different sizes, as from other jobs, because engines cache data for each size.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
import grpc
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.inference import HEIGHT, SAMPLE
from poseway.v1 import inference_pb2, inference_pb2_grpc
from tests.support.processes import resident

_RESULT: Final = Path("build/bench-memory.json")
_FRAMES: Final = 10_000
_EVERY: Final = 1000
_SIZES: Final = 500
_IN_FLIGHT: Final = 4


@contextmanager
def service() -> Iterator[tuple[int, inference_pb2_grpc.InferenceServiceStub]]:
    """Runs an inference service for the block. Yields its process id and a stub."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"POSEWAY_PORT": str(port), "POSEWAY_LOG_LEVEL": "WARNING"}
    process = subprocess.Popen([sys.executable, "-m", "poseway_inference"], env=environment)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield process.pid, inference_pb2_grpc.InferenceServiceStub(channel)
    finally:
        process.terminate()
        process.wait()


def pictures() -> list[NDArray[np.uint8]]:
    """Returns all frames of the sample, scaled to the network's input height."""
    video = cv2.VideoCapture(str(SAMPLE))
    found = []
    while (answer := video.read())[0]:
        small = cv2.resize(answer[1], (711, HEIGHT), interpolation=cv2.INTER_AREA)
        found.append(np.asarray(small, np.uint8))
    if not found:
        sys.exit(f"{SAMPLE} cannot be read. Run `make sample`.")
    return found


def request(index: int, picture: NDArray[np.uint8]) -> Iterator[inference_pb2.EstimatePosesRequest]:
    """Yields the messages of a call with one frame."""
    if index >= _FRAMES:
        rng = np.random.default_rng(index)
        picture = np.ascontiguousarray(picture[: rng.integers(40, 400), : rng.integers(40, 711)])
    height, width = picture.shape[:2]
    header = inference_pb2.BatchHeader(
        job_id="benchmark",
        model="openpose-mobilenet-thin",
        source_width=width,
        source_height=height,
    )
    yield inference_pb2.EstimatePosesRequest(header=header)
    frame = inference_pb2.Frame(index=index, width=width, height=height, bgr=picture.tobytes())
    yield inference_pb2.EstimatePosesRequest(frame=frame)


def measure(console: Console) -> dict[str, int]:
    """Sends the frames. Returns memory in MB by the number of frames sent."""
    frames = pictures()
    figures = {}
    with service() as (process, stub), ThreadPoolExecutor(_IN_FLIGHT) as callers:
        stub.ListModels(inference_pb2.ListModelsRequest(), timeout=120, wait_for_ready=True)
        figures["0"] = resident(process)

        def send(index: int) -> None:
            for _ in stub.EstimatePoses(request(index, frames[index % len(frames)]), timeout=60):
                pass

        for last in (*range(_EVERY, _FRAMES + 1, _EVERY), _FRAMES + _SIZES):
            began, first = time.perf_counter(), int(list(figures)[-1])
            list(callers.map(send, range(first, last)))
            speed = (last - first) / (time.perf_counter() - began)
            figures[str(last)] = memory = resident(process)
            console.print(f"{last:6} frames: {memory} MB, {speed:.1f} frames/s")
    return figures


def main() -> None:
    """Measures and writes the figures."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the service is stopped, too
    console = Console()
    figures = measure(console)
    _RESULT.parent.mkdir(parents=True, exist_ok=True)
    _RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"Written to {_RESULT}.")


if __name__ == "__main__":
    main()
