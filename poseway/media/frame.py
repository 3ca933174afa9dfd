"""A decoded frame and its conversions to YUV and BGR."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

import av
import numpy as np
from numpy.typing import NDArray

from poseway.media.orientation import Orientation
from poseway.media.tone_mapping import is_hdr, to_sdr
from poseway.media.yuv import LUMA_WEIGHTS, Yuv, samples, usual_matrix

# FFmpeg's values of `AVColorRange`.
_LIMITED: Final = 1
_FULL: Final = 2


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A decoded frame.

    Attributes:
        index: Number of the frame in the video, from 0.
        pts: Presentation time in ticks from the start of the video.
        duration: Ticks for which the frame is shown, if the container knows.
        image: The decoded frame, not yet upright. The decoder may still refer to it: never draw on
            it.
        orientation: Transformation that makes it upright.
        previous: Presentation time of the preceding frame; None for the first frame of the video.
        widening: Display aspect ratio of the upright frame divided by that of the video's first
            frame; 1 for nearly all videos.
        reshaped: Whether size or shape differ from those of the preceding frame.
    """

    index: int
    pts: int
    duration: int
    image: av.VideoFrame
    orientation: Orientation
    previous: int | None
    widening: Fraction = Fraction(1)
    reshaped: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright frame in pixels, as stored."""
        width, height = self.image.width, self.image.height
        return (height, width) if self.orientation.sideways else (width, height)

    def yuv(self, width: int, height: int) -> Yuv:
        """Returns the upright frame at a size in 4:2:0, the cheapest form to make and to send."""
        upright = width, height
        if self.orientation.sideways:
            width, height = height, width
        image = self.image
        if is_hdr(image.color_trc):
            image = to_sdr(self._small(width, height))
        named = image.colorspace
        matrix = named if named in LUMA_WEIGHTS else usual_matrix(image.width, image.height)
        full = image.color_range == _FULL or image.format.name.startswith("yuvj")
        colours = {"dst_colorspace": matrix, "dst_color_range": _FULL if full else _LIMITED}
        if not image.format.is_rgb:
            colours |= {f"src{key[3:]}": value for key, value in colours.items()}
        # Starting threads would cost more than converting so small a frame.
        small = image.reformat(width, height, "yuv420p", interpolation="AREA", threads=1, **colours)
        planes = (self.orientation.apply(samples(plane)) for plane in small.planes)
        data = b"".join(plane.tobytes() for plane in planes)
        return Yuv(*upright, data, matrix, full)

    def bgr(self, width: int, height: int) -> NDArray[np.uint8]:
        """Returns the upright frame at a size, uint8 (height, width, 3) in BGR order."""
        if self.orientation.sideways:
            width, height = height, width
        image = self.image
        if is_hdr(image.color_trc):
            image = to_sdr(self._small(width, height))
        picture = image.to_ndarray(
            format="bgr24", width=width, height=height, interpolation="AREA", threads=1
        )
        upright = self.orientation.apply(cast("NDArray[np.uint8]", picture))
        return np.ascontiguousarray(upright)

    def _small(self, width: int, height: int) -> av.VideoFrame:
        """Resizes the stored frame, so that tone mapping has fewer pixels to convert."""
        return self.image.reformat(width, height, "yuv420p", interpolation="AREA", threads=1)
