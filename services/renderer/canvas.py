"""A picture to draw on, plane by plane."""

from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.frame import SourceFrame
from poseway.picture import samples
from poseway.tone import is_hdr, to_sdr
from services.renderer.colour import ColourSpace

_NEUTRAL: Final = 128
_PLANAR: Final = ("yuv420p", "yuvj420p")

Plane = NDArray[np.uint8]


class Canvas:
    """An upright 4:2:0 picture of its own memory.

    H.264 in 4:2:0 has no odd sizes: a picture of odd width or height is one pixel larger than its
    video, and that column or row repeats its neighbour.

    Attributes:
        frame: The picture as FFmpeg knows it.
        luma: uint8 (height, width), a view into `frame`.
        chroma: Blue and red difference, each uint8 (height / 2, width / 2), views into `frame`.
    """

    def __init__(self, width: int, height: int, space: ColourSpace) -> None:
        """Makes a picture whose content is not set yet.

        Args:
            width: Pixels of the upright video.
            height: Pixels of the upright video.
            space: Its colours.
        """
        self._space = space
        self._size = width, height
        self.frame = av.VideoFrame(width + width % 2, height + height % 2, "yuv420p")
        self.frame.colorspace = space.effective
        self.frame.color_range = space.range
        self.luma, *self.chroma = (samples(plane) for plane in self.frame.planes)

    def blacken(self) -> None:
        """Makes it black."""
        self.luma[:] = self._space.black
        for plane in self.chroma:
            plane[:] = _NEUTRAL

    def show(self, source: SourceFrame) -> None:
        """Copies a frame of the video, turned upright."""
        width, height = self._size
        if source.orientation.sideways:
            width, height = height, width
        planes = self._planes(source.image, width, height)
        for target, plane in zip((self.luma, *self.chroma), planes, strict=True):
            upright = source.orientation.apply(plane)
            rows, columns = upright.shape
            target[:rows, :columns] = upright
            target[:rows, columns:] = target[:rows, columns - 1 : columns]
            target[rows:] = target[rows - 1 : rows]

    def _planes(self, image: av.VideoFrame, width: int, height: int) -> list[Plane]:
        """The planes of a picture in 4:2:0, of standard range, and at the canvas's size."""
        twice = (image.width, image.height) == (2 * width, 2 * height)
        even = width % 2 == height % 2 == 0
        if twice and even and image.format.name in _PLANAR and not is_hdr(image.color_trc):
            # 4K to 1080p: OpenCV averages four samples several times faster than FFmpeg.
            return [_halved(samples(plane)) for plane in image.planes]
        return [samples(plane) for plane in self._converted(image, width, height).planes]

    def _converted(self, image: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
        """The picture in 4:2:0, of standard range, and at the canvas's size."""
        if image.format.name in _PLANAR and (image.width, image.height) == (width, height):
            return to_sdr(image)
        space = self._space
        if is_hdr(image.color_trc):
            # As it is; what it means is changed when it has no more pixels than it must.
            colours = {}
        else:
            colours = {"dst_colorspace": space.effective, "dst_color_range": space.range}
            if not image.format.is_rgb:
                colours["src_colorspace"] = space.effective
        # To begin threads for every picture costs more than they gain where others wait for cores.
        return to_sdr(
            image.reformat(width, height, "yuv420p", interpolation="AREA", threads=1, **colours)
        )


def _halved(plane: Plane) -> Plane:
    rows, columns = plane.shape
    half = cv2.resize(plane, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.uint8)
