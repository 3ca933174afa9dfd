"""How a frame becomes the network's input, and how points on its maps become source pixels."""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError

_MAX_ASPECT: Final = 4
# Twice as wide as high at the largest height in use. The network needs a kilobyte a pixel.
_MAX_PIXELS: Final = 2 * 736 * 736
# In a narrower input of plain grey the network sees people.
_MIN_CELLS: Final = 8
# What is outside of the picture; it disturbs the network less than black.
_GREY: Final = 127
# The network's peaks lie this far right of and below labelled points, in pixels of its input.
_BIAS: Final = 0.25


@dataclass(frozen=True)
class Geometry:
    """How frames of one size fit the network.

    Frames are scaled, aspect kept, then padded at the right and at the bottom to whole cells of the
    network's maps.

    Attributes:
        width: Width of the frame in pixels.
        height: Height of the frame in pixels.
        scaled_width: Width of the scaled frame in the network's pixels.
        scaled_height: Height of the scaled frame in the network's pixels.
        stride: The network's pixels per cell of its maps.
    """

    width: int
    height: int
    scaled_width: int
    scaled_height: int
    stride: int

    @classmethod
    def fit(cls, width: int, height: int, input_height: int, stride: int = 8) -> Self:
        """Chooses the scale for frames of a size.

        Frames are scaled to `input_height`, but panoramas to a width of four times that, and no
        frame to more than a million pixels: so no aspect makes the network's input large.

        Args:
            width: Width of the frames in pixels.
            height: Height of the frames in pixels.
            input_height: Height of the network's input in pixels.
            stride: The network's pixels per cell of its maps.

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
        """Where positions on the maps are in the picture.

        Args:
            cells: float32: positions; 0 is the centre of the first cell.
            axis: 0 for x, 1 for y.

        Returns:
            float32: 0 at the left or upper edge of the picture, 1 at the other one.
        """
        scaled = (self.scaled_width, self.scaled_height)[axis]
        pixels = (cells + np.float32(0.5)) * np.float32(self.stride) - np.float32(_BIAS)
        return pixels / np.float32(scaled)

    def to_cells(self, parts: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
        """The reverse of `to_parts`."""
        scaled = (self.scaled_width, self.scaled_height)[axis]
        pixels = parts * np.float32(scaled) + np.float32(_BIAS)
        return pixels / np.float32(self.stride) - np.float32(0.5)

    def prepare(self, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Makes the network's input of a frame.

        Args:
            bgr: uint8 (height, width, 3) pixels of the size that was fitted.

        Returns:
            float32 (1, input height, input width, 3), 0..255, blue first.

        Raises:
            InvalidRequestError: The frame has another size.
        """
        if bgr.shape != (self.height, self.width, 3):
            raise InvalidRequestError(
                f"Frames of one batch must have one size, {self.width} x {self.height} pixels in "
                f"three colours; this one's shape is {bgr.shape}."
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

        Scaling keeps the edges of the picture in place, and the centre of the first pixel lies half
        a pixel from the edge.

        Args:
            keypoints: float32 (n, 18, 3): x and y in cells, the centre of the top left cell being
                (0, 0), and the score.
            source_size: Width and height in pixels of the frame of which this one is a scaled copy.

        Returns:
            float32 (n, 18, 3): x and y in pixels of the source, within its frame. Keypoints that
            were not seen (score 0) stay (0, 0, 0).

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
        raise InvalidRequestError(f"A frame cannot be {width} x {height} pixels large.")
