"""Sends a video through the renderer without a network, and reads the result."""

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from poseway.media.reader import VideoReader
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.media.encode import Encoding
from poseway_renderer.media.join import Joiner
from poseway_renderer.segment import SegmentOptions, render_segment
from tests.support.film import Film
from tests.support.people_to_draw import Shots


@dataclass(frozen=True)
class DecodedFrame:
    """A frame of the result: seconds, and the image as uint8 (height, width, 3) RGB."""

    time: float
    picture: NDArray[np.uint8]


def render_whole(data: bytes, segment: int = 11) -> bytes:
    """Renders a video in segments, each with a reader of its own, and joins them."""
    posed = [PosedFrame(f.index, f.pts, []) for f in VideoReader(io.BytesIO(data), 1).frames()]
    segments = []
    for start in range(0, len(posed), segment):
        file, reader = io.BytesIO(), VideoReader(io.BytesIO(data), 1)
        part = posed[start : start + segment]
        render_segment(reader, iter(part), SegmentOptions(), Encoding(threads=1), file, Shots())
        segments.append(io.BytesIO(file.getvalue()))
    joiner, output = Joiner(io.BytesIO(data), len(posed)), io.BytesIO()
    joiner.write(segments, output, joiner.index_bytes)
    return output.getvalue()


def decoded_frames(data: bytes) -> list[DecodedFrame]:
    """Returns all frames, read without Poseway's reader."""
    with av.open(io.BytesIO(data), "r") as container:
        return [
            DecodedFrame(
                float(frame.time), cast("NDArray[np.uint8]", frame.to_ndarray(format="rgb24"))
            )
            for frame in container.decode(video=0)
        ]


def due_times(film: Film, data: bytes) -> list[float]:
    """Returns the seconds from the start of the file at which each frame is due.

    Audio encoders insert priming samples. Formats that cannot declare them start that much earlier.
    """
    seconds = film.seconds()
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        late = (stream.start_time or 0) * stream.time_base
        late -= Fraction(container.start_time or 0, av.time_base)
    begin = seconds[0] if film.sound else 0
    assert begin - Fraction(1, 1000) <= late <= begin + Fraction(3, 100)
    return [float(second - seconds[0] + late) for second in seconds]
