"""Rotation and mirroring that make a stored frame upright."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeVar, cast

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

# FFmpeg's `AVFrameSideDataType` values that PyAV 18.1 does not know; EXIF is 31.
_UNKNOWN: Final = range(28, 40)


@dataclass(frozen=True, slots=True)
class Orientation:
    """Transformation that makes a stored frame upright.

    Attributes:
        mirrored: Whether left and right are swapped; applied first.
        turns: Quarter turns counter-clockwise, 0 to 3; applied second.
    """

    mirrored: bool = False
    turns: int = 0

    @classmethod
    def of(cls, image: av.VideoFrame) -> "Orientation":
        """Reads the display matrix of a frame (ISO/IEC 14496-12, 8.5.2), to the nearest quarter.

        Reading it keeps the frame in memory until garbage collection, so callers read it rarely.
        """
        try:
            data = image.side_data.get("DISPLAYMATRIX")
        except ValueError:
            # The frame has side data that PyAV has no name for, such as EXIF.
            data = _without_others(image).side_data.get("DISPLAYMATRIX")
        if data is None:
            return cls()
        a, b, _, c, d, *_ = np.frombuffer(cast("bytes", data), np.int32).astype(float).tolist()
        mirrored = a * d - b * c < 0
        if mirrored:
            a, b = -a, -b
        return cls(mirrored, round(-math.atan2(b, a) / (math.pi / 2)) % 4)

    @property
    def sideways(self) -> bool:
        """Whether width and height are swapped."""
        return self.turns % 2 == 1

    def apply(self, picture: NDArray[T]) -> NDArray[T]:
        """Returns an upright view of a frame or a plane of one, (height, width, ...)."""
        return np.rot90(picture[:, ::-1] if self.mirrored else picture, self.turns)


def _without_others(image: av.VideoFrame) -> av.VideoFrame:
    """Returns the frame without side data that PyAV does not know."""
    graph = Graph()
    graph.threads = 1
    source = graph.add_buffer(
        width=image.width, height=image.height, format=image.format, time_base=Fraction(1, 25)
    )
    filters = [graph.add("sidedata", f"mode=delete:type={number}") for number in _UNKNOWN]
    graph.link_nodes(source, *filters, graph.add("buffersink")).configure()
    graph.vpush(image)
    return graph.vpull()
