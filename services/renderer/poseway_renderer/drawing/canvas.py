"""A YUV frame to draw on, plane by plane."""

from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.media.frame import SourceFrame
from poseway.media.letterbox import Box, fitted
from poseway.media.tone_mapping import is_hdr, to_sdr
from poseway.media.yuv import LUMA_WEIGHTS, samples
from poseway_renderer.drawing.colour import ColourSpace

_NEUTRAL: Final = 128
# FFmpeg's values of `AVColorRange`.
_LIMITED: Final = 1
_FULL: Final = 2
_PLANAR: Final = ("yuv420p", "yuvj420p")

Plane = NDArray[np.uint8]


class Canvas:
    """An upright 4:2:0 frame with memory of its own.

    H.264 in 4:2:0 has even sizes only. A video of odd width or height gets one more column or row,
    which repeats its neighbour.

    Attributes:
        frame: The frame for FFmpeg.
        luma: uint8 (height, width), a view into `frame`.
        chroma: Cb and Cr, each uint8 (height / 2, width / 2), views into `frame`.
    """

    def __init__(self, width: int, height: int, space: ColourSpace) -> None:
        """Allocates a frame without setting its samples.

        Args:
            width: Pixels of the upright video.
            height: Pixels of the upright video.
            space: Colour space of the video.
        """
        self._space = space
        self._size = width, height
        self.frame = av.VideoFrame(width + width % 2, height + height % 2, "yuv420p")
        self.frame.colorspace = space.effective
        self.frame.color_range = space.range
        self.luma, *self.chroma = (samples(plane) for plane in self.frame.planes)

    def blacken(self) -> None:
        """Fills the frame with black."""
        self.luma[:] = self._space.black
        for plane in self.chroma:
            plane[:] = _NEUTRAL

    def show(self, source: SourceFrame) -> None:
        """Copies an upright frame of the video, with bars if its aspect ratio differs."""
        box = fitted(*self._size, source.widening)
        if (box.width, box.height) != self._size:
            self.blacken()
        width, height = box.width, box.height
        if source.orientation.sideways:
            width, height = height, width
        planes = self._planes(source.image, width, height)
        for target, plane in zip(self._inside(box), planes, strict=True):
            upright = source.orientation.apply(plane)
            rows, columns = upright.shape
            target[:rows, :columns] = upright
            target[:rows, columns:] = target[:rows, columns - 1 : columns]
            target[rows:] = target[rows - 1 : rows]

    def _inside(self, box: Box) -> list[Plane]:
        """Returns the part of each plane inside a box, extended to even sizes."""
        right, bottom = box.left + box.width, box.top + box.height
        right, bottom = right + right % 2, bottom + bottom % 2
        luma = self.luma[box.top : bottom, box.left : right]
        halves = [
            plane[box.top // 2 : bottom // 2, box.left // 2 : right // 2] for plane in self.chroma
        ]
        return [luma, *halves]

    def _planes(self, image: av.VideoFrame, width: int, height: int) -> list[Plane]:
        """Converts a frame to standard range in this colour space at a size; returns its planes."""
        twice = (image.width, image.height) == (2 * width, 2 * height)
        even = width % 2 == height % 2 == 0
        if twice and even and not is_hdr(image.color_trc) and self._has_our_colours(image):
            # For 4K to 1080p, OpenCV averages four samples several times faster than FFmpeg.
            return [_halved(samples(plane)) for plane in image.planes]
        return [samples(plane) for plane in self._converted(image, width, height).planes]

    def _converted(self, image: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        """Converts a frame to 4:2:0 of standard range in this colour space, at a size."""
        # Starting threads for every frame costs more than it gains while other segments need cores.
        if is_hdr(image.color_trc):
            # Scaled first, so that tone mapping has fewer pixels to convert.
            if image.format.name not in _PLANAR or (image.width, image.height) != (width, height):
                image = image.reformat(width, height, "yuv420p", interpolation="AREA", threads=1)
            image = to_sdr(image)
        if (image.width, image.height) == (width, height) and self._has_our_colours(image):
            return image
        space = self._space
        colours = {"dst_colorspace": space.effective, "dst_color_range": space.range}
        if not image.format.is_rgb:
            named = image.colorspace
            colours["src_colorspace"] = named if named in LUMA_WEIGHTS else space.effective
        return image.reformat(width, height, "yuv420p", interpolation="AREA", threads=1, **colours)

    def _has_our_colours(self, image: av.VideoFrame) -> bool:
        """Whether samples are 4:2:0 in this colour space, as in the first frame of every video."""
        if image.format.name not in _PLANAR:
            return False
        full = image.color_range == _FULL or image.format.name.startswith("yuvj")
        known = full or image.color_range == _LIMITED
        ours = LUMA_WEIGHTS[self._space.effective]
        return (not known or full == self._space.full) and (
            LUMA_WEIGHTS.get(image.colorspace, ours) == ours
        )


def _halved(plane: Plane) -> Plane:
    rows, columns = plane.shape
    half = cv2.resize(plane, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.uint8)
