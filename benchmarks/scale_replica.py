"""``python -m benchmarks.scale_replica inference|renderer``: a replica that sleeps.

Everything except the estimator, or the pace of rendering, is the real service.
"""

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import grpc
import numpy as np
from numpy.typing import NDArray

from poseway import isolation
from poseway.isolation import Limits
from poseway.model_cards import load_cards
from poseway.rpc import server
from poseway.storage import ObjectStore
from poseway.telemetry.service import start_telemetry
from poseway.v1 import inference_pb2, inference_pb2_grpc
from poseway_inference.engines.base import About
from poseway_inference.families.base import Frame, People
from poseway_inference.model_loader import LoadedModel
from poseway_inference.service import InferenceService
from poseway_inference.settings import InferenceSettings
from poseway_renderer import isolated
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.media.encode import Encoding
from poseway_renderer.renderer import Renderer
from poseway_renderer.segment import RenderedSegment, SegmentOptions
from poseway_renderer.service import add_to
from poseway_renderer.settings import RendererSettings

FRAME_SECONDS: Final = "SCALE_FRAME_SECONDS"
"""Environment variable: seconds that a replica takes per frame, one frame at a time."""

FIRST_WORK: Final = "SCALE_FIRST_WORK"
"""Environment variable: path of a file that is created when the first frame arrives."""

_HEIGHT: Final = 160


class Pace:
    """Lets one frame pass at a time, at a fixed pace."""

    def __init__(self) -> None:
        self._seconds = float(os.environ[FRAME_SECONDS])
        self._begun = Path(os.environ[FIRST_WORK])
        self._alone = threading.Lock()

    def frame(self) -> None:
        """Sleeps for the time of one frame."""
        self._begun.touch()
        with self._alone:
            time.sleep(self._seconds)


class Sleeper:
    """Estimator that sleeps and finds the same two people in every frame."""

    batch_size = 1

    def __init__(self) -> None:
        self._pace = Pace()
        one = np.linspace((60, 40, 0.9), (90, 140, 0.9), 18, dtype=np.float32)
        keypoints = np.stack([one, one + np.array((120, 0, 0), np.float32)])
        self._people = People(keypoints, np.full(2, 0.9, np.float32))

    def shape(self, frame: Frame) -> tuple[int, ...]:
        """Returns the same size for all frames."""
        return frame.pixels.shape[:2]

    def estimate(self, frames: Sequence[Frame]) -> list[People]:
        """Sleeps for each frame."""
        for _ in frames:
            self._pace.frame()
        return [self._people for _ in frames]


class SlowRenderer(Renderer):
    """Renders segments at a limited pace."""

    def __init__(self, store: ObjectStore, encoding: Encoding, limits: Limits) -> None:
        super().__init__(store, encoding, limits)
        self._pace = Pace()

    def render(
        self,
        job_id: str,
        segment: int,
        posed: Iterable[PosedFrame],
        options: SegmentOptions,
        *,
        background: bool = False,
    ) -> tuple[RenderedSegment, int]:
        """Renders a segment frame by frame, at the given pace."""
        return super().render(job_id, segment, self._slowly(posed), options, background=background)

    def _slowly(self, posed: Iterable[PosedFrame]) -> Iterator[PosedFrame]:
        for frame in posed:
            self._pace.frame()
            yield frame


class NoEngine:
    """Engine with a name that runs nothing."""

    about = About("sleep", "none", "float32", batch_size=1, callers=1, sha256="0" * 64)

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Never called."""
        raise NotImplementedError


def inference() -> None:
    """Runs the inference service."""
    settings = InferenceSettings()
    start_telemetry("inference", settings)
    model = LoadedModel(NoEngine(), Sleeper(), _HEIGHT, _HEIGHT)
    service = InferenceService(
        {load_cards()[0].name: model},
        {},
        workers=1,
        batch_frames=0,
        max_delay=settings.batch_delay_seconds,
        max_frames=settings.max_frames,
    )

    def add(server: grpc.Server) -> str:
        inference_pb2_grpc.add_InferenceServiceServicer_to_server(service, server)
        return inference_pb2.DESCRIPTOR.services_by_name["InferenceService"].full_name

    server.serve(settings, add)


def renderer() -> None:
    """Runs the renderer service."""
    settings = RendererSettings()
    start_telemetry("renderer", settings)
    limits = Limits(settings.decode_memory_mb << 20, settings.decode_seconds)
    encoding = Encoding(settings.encoder_preset, threads=1)
    slow = SlowRenderer(ObjectStore(settings), encoding, limits)
    isolation.prepare(isolated.__name__, "benchmarks.scale_replica")
    server.serve(settings, lambda server: add_to(server, slow))


if __name__ == "__main__":
    {"inference": inference, "renderer": renderer}[sys.argv[1]]()
