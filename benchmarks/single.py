"""A whole job in a single process: the speed of the parts without services between them.

One thread decodes, one per core estimates poses, and one tracks, draws and encodes. A video is
decoded only once, which services on several machines cannot achieve.
"""

import io
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoInfo, VideoReader
from poseway.media.resize import fit
from poseway.media.yuv import Yuv
from poseway_inference.families.base import Frame, People
from poseway_inference.model_loader import LoadedModel
from poseway_inference.yuv import to_bgr
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.people import Person
from poseway_renderer.drawing.skeletons import SkeletonPainter
from poseway_renderer.media.encode import Encoding, SegmentEncoder
from poseway_tracker import session as tracking
from poseway_tracker.smoothing.smoother import Smoother, Strength
from poseway_tracker.trackers.pose_tracker import PoseTracker

_TRACKED_FRAMES: Final = 30
_WAITING: Final = 2
_MAX_AGE_SECONDS: Final = 1.0

_Found: TypeAlias = "list[tuple[SourceFrame, Future[People]]]"


@dataclass(frozen=True, slots=True)
class Figures:
    """Cost of a run.

    Attributes:
        frames: Number of frames of the video.
        seconds: Wall-clock time.
        cpu: CPU seconds by stage.
    """

    frames: int
    seconds: float
    cpu: dict[str, float]


def process(video: Path, model: LoadedModel) -> Figures:
    """Processes a video, with the result kept in memory."""
    return _Run(video, model).figures()


class _Run:
    def __init__(self, video: Path, model: LoadedModel) -> None:
        self._video = video
        self._model = model
        self._cpu: dict[str, float] = defaultdict(float)
        self._counting = threading.Lock()
        self._segments: queue.Queue[_Found | None] = queue.Queue(_WAITING)

    def figures(self) -> Figures:
        cpu, began = time.process_time(), time.perf_counter()
        callers = self._model.engine.about.callers
        with (
            closing(VideoReader(self._video.open("rb"), threads=1)) as reader,
            ThreadPoolExecutor(callers) as finders,
            ThreadPoolExecutor(1) as drawers,
        ):
            drawn = drawers.submit(self._drawn, reader.info, ColourSpace.of(reader.stream))
            size = fit(reader.info.width, reader.info.height, self._model.input_height)
            segment: _Found = []
            for frame in self._decoded(reader):
                with self._spent("scale"):
                    yuv = frame.yuv(*size)
                segment.append((frame, finders.submit(self._find, yuv, reader.info)))
                if len(segment) == _TRACKED_FRAMES:
                    self._segments.put(segment)
                    segment = []
            self._segments.put(segment)
            self._segments.put(None)
            frames = drawn.result()
        total = time.process_time() - cpu
        # TensorFlow computes in its own threads.
        self._cpu["people and network"] += total - sum(self._cpu.values())
        return Figures(frames, time.perf_counter() - began, dict(self._cpu))

    def _decoded(self, reader: VideoReader) -> Iterator[SourceFrame]:
        frames = reader.frames()
        while True:
            with self._spent("decode"):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def _find(self, yuv: Yuv, info: VideoInfo) -> People:
        frame = Frame(to_bgr(yuv), source_size=(info.width, info.height))
        (people,) = self._model.estimator.estimate([frame])
        return people

    def _drawn(self, info: VideoInfo, space: ColourSpace) -> int:
        try:
            return self._draw(info, space)
        except BaseException:
            # Producers must not block forever.
            while self._segments.get() is not None:
                pass
            raise

    def _draw(self, info: VideoInfo, space: ColourSpace) -> int:
        """Tracks, draws and encodes the people found. Returns the number of frames."""
        video = tracking.VideoTracker(PoseTracker(_MAX_AGE_SECONDS), Smoother(Strength.LIGHT))
        time_base = float(info.time_base)
        encoder = SegmentEncoder(io.BytesIO(), info, space, Encoding(threads=1))
        painter = SkeletonPainter(info.width, info.height, space)
        frames = 0
        for segment in iter(self._segments.get, None):
            for source, people in self._tracked(video, segment, time_base):
                with self._spent("draw"):
                    canvas = Canvas(info.width, info.height, space)
                    canvas.show(source)
                    painter.paint(canvas, people)
                with self._spent("encode"):
                    encoder.write(canvas, source.pts, source.duration)
                frames += 1
        with self._spent("encode"):
            encoder.finish()
        return frames

    def _tracked(
        self, video: tracking.VideoTracker, segment: _Found, time_base: float
    ) -> Iterator[tuple[SourceFrame, list[Person]]]:
        found = [
            tracking.Frame(
                source.index,
                people.result().keypoints.astype(np.float64),
                people.result().scores.astype(np.float64),
                source.pts * time_base,
            )
            for source, people in segment
        ]
        with self._spent("track"):
            identified = video.segment(found)
        for (source, _), people in zip(segment, identified, strict=True):
            yield (
                source,
                [
                    Person(id_, pose.keypoints.astype(np.float32), pose.filled)
                    for id_, pose in sorted(people.smoothed.items())
                ],
            )

    @contextmanager
    def _spent(self, stage: str) -> Iterator[None]:
        began = time.thread_time()
        yield
        with self._counting:
            self._cpu[stage] += time.thread_time() - began
