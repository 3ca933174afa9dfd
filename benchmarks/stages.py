"""CPU time of the stages without which there is no result, each alone: the limit of the rest."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from poseway.frame import SourceFrame
from poseway.video import VideoReader, fit
from services.inference.geometry import Geometry
from services.inference.models import LoadedModel
from services.inference.yuv import to_bgr
from services.renderer.canvas import Canvas
from services.renderer.colour import ColourSpace
from services.renderer.encode import Encoding, SegmentEncoder

_FRAMES: Final = 60
_TIMES: Final = 2


def alone(video: Path, model: LoadedModel, side_by_side: int) -> dict[str, float]:
    """CPU milliseconds a frame of decoding, network and encoding, each alone.

    Args:
        video: At least 61 frames.
        model: The network.
        side_by_side: How many threads do the same at once. Cores that are all busy share caches,
            memory and heat, so that each is slower than one that is busy alone.
    """
    with closing(VideoReader(video.open("rb"), threads=1)) as reader:
        frames = list(islice(reader.frames(), 1, _FRAMES + 1))
        return {
            "decode": _spent(lambda: _decoder(video), side_by_side),
            "network": _spent(lambda: _network(frames, model), side_by_side),
            "encode": _spent(lambda: _encoder(frames, reader), side_by_side),
        }


def _decoder(video: Path) -> Callable[[], int]:
    reader = VideoReader(video.open("rb"), threads=1)
    source = reader.frames()
    next(source)  # the first frame sets the decoder up

    def decode() -> int:
        count = sum(1 for _ in islice(source, _FRAMES))
        reader.close()
        return count

    return decode


def _network(frames: list[SourceFrame], model: LoadedModel) -> Callable[[], int]:
    size = fit(frames[0].image.width, frames[0].image.height, model.input_height)
    geometry = Geometry.fit(*size, model.input_height)
    images = [geometry.prepare(to_bgr(frame.yuv(*size))) for frame in frames]
    model.engine.run(images[0])

    def run() -> int:
        for image in images:
            model.engine.run(image)
        return len(images)

    return run


def _encoder(frames: list[SourceFrame], reader: VideoReader) -> Callable[[], int]:
    info, space = reader.info, ColourSpace.of(reader.stream)
    canvases = [Canvas(info.width, info.height, space) for _ in frames]
    for canvas, frame in zip(canvases, frames, strict=True):
        canvas.show(frame)
    # To and fro, so that there are more pictures, and none after which something else begins.
    pictures = [*canvases, *reversed(canvases)] * _TIMES
    encoder = SegmentEncoder(io.BytesIO(), info, space, Encoding(threads=1))

    def encode() -> int:
        for number, canvas in enumerate(pictures):
            encoder.write(canvas, number * frames[0].duration, frames[0].duration)
        encoder.finish()
        return len(pictures)

    return encode


def _spent(prepare: Callable[[], Callable[[], int]], side_by_side: int) -> float:
    """CPU milliseconds of all threads, for each frame of what each of some threads does."""
    works = [prepare() for _ in range(side_by_side)]
    with ThreadPoolExecutor(side_by_side) as threads:
        began = time.process_time()
        frames = sum(threads.map(lambda work: work(), works))
        return float((time.process_time() - began) / frames * 1000)
