"""CPU time of each indispensable stage alone, which limits the speed of the whole."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from poseway.media.reader import VideoReader
from poseway.media.resize import fit
from poseway_inference.families.openpose.geometry import Geometry
from poseway_inference.model_loader import LoadedModel
from poseway_inference.yuv import to_bgr
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.media.encode import Encoding, SegmentEncoder

_FRAMES: Final = 300
_EVERY: Final = 5

# Runs some work once. Returns CPU seconds and the number of frames.
_Work = Callable[[], tuple[float, int]]


def alone(video: Path, model: LoadedModel, side_by_side: int) -> dict[str, float]:
    """Returns CPU milliseconds per frame of decoding, network and encoding, each alone.

    Args:
        video: Source of the frames: the first 300, of which the network gets every fifth.
        model: The network.
        side_by_side: Number of threads that do the same concurrently. Busy cores share caches,
            memory bandwidth and heat, so each is slower than a core that is busy alone.
    """
    return {
        "decode": _milliseconds([lambda: _decode(video)] * side_by_side),
        "network": _network(video, model, side_by_side),
        "encode": _milliseconds([lambda: _encode(video)] * side_by_side),
    }


def _decode(video: Path) -> tuple[float, int]:
    with closing(VideoReader(video.open("rb"), threads=1)) as reader:
        began = time.thread_time()
        frames = sum(1 for _ in islice(reader.frames(), _FRAMES))
        return time.thread_time() - began, frames


def _encode(video: Path) -> tuple[float, int]:
    """Counts only the time of the encoder, which works in the calling thread."""
    spent, frames = 0.0, 0
    with closing(VideoReader(video.open("rb"), threads=1)) as reader:
        info, space = reader.info, ColourSpace.of(reader.stream)
        encoder = SegmentEncoder(io.BytesIO(), info, space, Encoding(threads=1))
        for frame in islice(reader.frames(), _FRAMES):
            canvas = Canvas(info.width, info.height, space)
            canvas.show(frame)
            began = time.thread_time()
            encoder.write(canvas, frame.pts, frame.duration)
            spent += time.thread_time() - began
            frames += 1
        began = time.thread_time()
        encoder.finish()
        return spent + time.thread_time() - began, frames


def _network(video: Path, model: LoadedModel, side_by_side: int) -> float:
    with closing(VideoReader(video.open("rb"), threads=1)) as reader:
        size = fit(reader.info.width, reader.info.height, model.input_height)
        geometry = Geometry.fit(*size, model.input_height)
        images = [
            geometry.prepare(to_bgr(frame.yuv(*size)))
            for frame in islice(reader.frames(), 0, _FRAMES, _EVERY)
        ]
    model.engine.run(images[0])
    # The network has its own threads, so the time of the process counts.
    with ThreadPoolExecutor(side_by_side) as threads:
        began = time.process_time()
        list(threads.map(model.engine.run, images))
        spent = time.process_time() - began
    return spent / len(images) * 1000


def _milliseconds(works: list[_Work]) -> float:
    """Returns CPU milliseconds per frame of several concurrent works."""
    with ThreadPoolExecutor(len(works)) as threads:
        done: list[tuple[float, int]] = list(threads.map(lambda work: work(), works))
    return sum(spent for spent, _ in done) / sum(frames for _, frames in done) * 1000
