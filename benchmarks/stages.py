"""CPU time of the stages without which there is no result, each alone: the limit of the rest."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
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


def alone(video: Path, model: LoadedModel) -> dict[str, float]:
    """CPU milliseconds a frame of decoding, network and encoding.

    The network works on as many pictures at once as the service has it do: it is their time on busy
    cores that counts. Decoder and encoder have a thread each.
    """
    with closing(VideoReader(video.open("rb"), threads=1)) as reader:
        source = reader.frames()
        next(source)  # the first frame sets the decoder up
        frames: list[SourceFrame] = []
        decoding = _milliseconds(lambda: frames.extend(next(source) for _ in range(_FRAMES)))
        return {
            "decode": decoding,
            "network": _network(frames, model),
            "encode": _encoding(frames, reader),
        }


def _network(frames: list[SourceFrame], model: LoadedModel) -> float:
    height, width = frames[0].image.height, frames[0].image.width
    size = fit(width, height, model.input_height)
    geometry = Geometry.fit(*size, model.input_height)
    images = [geometry.prepare(to_bgr(frame.yuv(*size))) for frame in frames]
    model.engine.run(images[0])
    with ThreadPoolExecutor(model.engine.about.callers) as callers:
        return _milliseconds(lambda: list(callers.map(model.engine.run, images)))


def _encoding(frames: list[SourceFrame], reader: VideoReader) -> float:
    info, space = reader.info, ColourSpace.of(reader.stream)
    canvases = [Canvas(info.width, info.height, space) for _ in frames]
    for canvas, frame in zip(canvases, frames, strict=True):
        canvas.show(frame)
    # To and fro, so that there are more pictures, and none after which something else begins.
    pictures = [*canvases, *reversed(canvases)] * _TIMES
    encoder = SegmentEncoder(io.BytesIO(), info, space, Encoding(threads=1))

    def encode() -> None:
        for number, canvas in enumerate(pictures):
            encoder.write(canvas, number * frames[0].duration, frames[0].duration)
        encoder.finish()

    return _milliseconds(encode) / (2 * _TIMES)


def _milliseconds(work: Callable[[], object]) -> float:
    """CPU time of all threads, for each frame."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / _FRAMES * 1000
