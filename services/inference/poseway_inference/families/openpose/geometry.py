"""Geometry of a frame: from its pixels to the network's input, and from maps back to pixels."""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError

_MAX_ASPECT: Final = 4
# An aspect of 2 at the largest height in use. The network needs about 1 kB of memory per pixel.
_MAX_PIXELS: Final = 2 * 736 * 736
# In narrower inputs of plain grey the network detects people.
_MIN_CELLS: Final = 8
# Padding; it disturbs the network less than black.
_GREY: Final = 127
# Offset of the network's peaks from labelled points, right and down, in pixels of its input.
_BIAS: Final = 0.25


@dataclass(frozen=True)
class Geometry:
    """Fits frames of one size to the network.

    Frames are scaled, keeping their aspect, and then padded on the right and at the bottom to whole
    cells of the network's maps.

    Attributes:
        width: Width of the frame in pixels.
        height: Height of the frame in pixels.
        scaled_width: Width of the scaled frame in pixels of the network's input.
        scaled_height: Height of the scaled frame in pixels of the network's input.
        stride: Pixels of the input per cell of the maps.
    """

    width: int
    height: int
    scaled_width: int
    scaled_height: int
    stride: int

    @classmethod
    def fit(cls, width: int, height: int, input_height: int, stride: int = 8) -> Self:
        """Chooses the scale for frames of a size.

        Frames are scaled to `input_height`, but to a width of at most four times that, and to at
        most about a million pixels. So no aspect ratio makes the network's input huge.

        Args:
            width: Width of the frames in pixels.
            height: Height of the frames in pixels.
            input_height: Height of the network's input in pixels.
            stride: Pixels of the input per cell of the maps.

        Raises:
            InvalidRequestError: The size is not positive.
        """
        _check_size(width, height)
        scale = min(
            input_height / height,
            _MAX_ASPECT * input_height / width,
            sqrt(_MAX_PIXELS / (width * height)),
        )
        scaled_width, scaled_height = (max(1, round(n * scale)) for n in (width, height))
        return cls(width, height, scaled_width, scaled_height, stride)

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height of the network's input in pixels."""
        sizes = (self.scaled_width, self.scaled_height)
        width, height = (max(ceil(n / self.stride), _MIN_CELLS) * self.stride for n in sizes)
        return width, height

    @property
    def map_size(self) -> tuple[int, int]:
        """Width and height of the network's maps in cells."""
        width, height = self.input_size
        return width // self.stride, height // self.stride

    def to_parts(self, cells: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
        """Converts positions on the maps to positions in the image.

        Args:
            cells: float32, any shape: positions in cells; 0 is the centre of the first cell.
            axis: 0 for x, 1 for y.

        Returns:
            float32, same shape: 0 at the left or upper edge of the image, 1 at the opposite edge.
        """
        scaled = (self.scaled_width, self.scaled_height)[axis]
        pixels = (cells + np.float32(0.5)) * np.float32(self.stride) - np.float32(_BIAS)
        return pixels / np.float32(scaled)

    def to_cells(self, parts: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
        """Converts positions in the image to positions on the maps, the inverse of `to_parts`."""
        scaled = (self.scaled_width, self.scaled_height)[axis]
        pixels = parts * np.float32(scaled) + np.float32(_BIAS)
        return pixels / np.float32(self.stride) - np.float32(0.5)

    def prepare(self, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Makes the network's input from a frame.

        Args:
            bgr: uint8 (height, width, 3), in the order blue, green, red.

        Returns:
            float32 (1, input height, input width, 3), 0..255, in the same order.

        Raises:
            InvalidRequestError: The frame has another size.
        """
        if bgr.shape != (self.height, self.width, 3):
            raise InvalidRequestError(
                f"All frames of a batch must have {self.width} x {self.height} pixels and three "
                f"colours, but the shape of one is {bgr.shape}."
            )
        scaled: cv2.typing.MatLike = bgr
        if (self.scaled_width, self.scaled_height) != (self.width, self.height):
            shrinks = self.scaled_width * self.scaled_height < self.width * self.height
            scaled = cv2.resize(
                bgr,
                (self.scaled_width, self.scaled_height),
                interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
            )
        width, height = self.input_size
        image = np.full((1, height, width, 3), _GREY, np.float32)
        image[0, : self.scaled_height, : self.scaled_width] = scaled
        return image

    def to_source(
        self, keypoints: NDArray[np.float32], source_size: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Maps keypoints from the network's maps to the source frame.

        Scaling keeps the edges of the image in place; the centre of the first pixel is half a pixel
        away from the edge.

        Args:
            keypoints: float32 (n, 18, 3): x, y in cells and the score; (0, 0) is the centre of the
                top left cell.
            source_size: Width and height in pixels of the source, of which the frame is a scaled
                copy.

        Returns:
            float32 (n, 18, 3): x, y in pixels of the source, within it, and the score. Undetected
            keypoints (score 0) stay (0, 0, 0).

        Raises:
            InvalidRequestError: The source's size is not positive.
        """
        _check_size(*source_size)
        xy = [
            np.clip(self.to_parts(keypoints[..., axis], axis) * size - np.float32(0.5), 0, size - 1)
            for axis, size in enumerate(np.array(source_size, np.float32))
        ]
        seen = keypoints[..., 2] > 0
        points = [np.where(seen, values, np.float32(0)) for values in xy]
        return np.stack([*points, keypoints[..., 2]], axis=-1)


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise InvalidRequestError(f"A frame must have pixels, but its size is {width} x {height}.")
