"""Tracks frame size, pixel aspect ratio and rotation, any of which may change within a video."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av

from poseway.media.orientation import Orientation

_MAX_ASPECT: Final = Fraction(4)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a stored frame is displayed.

    Attributes:
        stored: Width and height in pixels as stored.
        aspect: Width of a stored pixel divided by its height.
        orientation: Transformation that makes the frame upright.
    """

    stored: tuple[int, int]
    aspect: Fraction
    orientation: Orientation

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright frame in pixels."""
        width, height = self.stored
        return (height, width) if self.orientation.sideways else (width, height)

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of an upright frame's pixels divided by their height."""
        return 1 / self.aspect if self.orientation.sideways else self.aspect

    @property
    def display_aspect(self) -> Fraction:
        """Width of the upright frame divided by its height, as displayed."""
        width, height = self.size
        return Fraction(width, height) * self.pixel_aspect


class ShapeTracker:
    """Tracks the shape of consecutive frames.

    Attributes:
        first: Shape of the first frame of the video.
        now: Shape of the latest frame.
        widening: Display aspect ratio of the latest frame divided by that of the first.
    """

    def __init__(
        self, image: av.VideoFrame, aspect: Fraction | None, coded: Fraction | None
    ) -> None:
        """Starts with the first frame of a video.

        Args:
            image: The frame.
            aspect: Pixel aspect ratio as the container or the codec declares it.
            coded: Pixel aspect ratio as the codec alone declares it.
        """
        size = image.width, image.height
        self.first = self.now = Shape(size, plausible(aspect), Orientation.of(image))
        self.widening = Fraction(1)
        self._first_coded = coded
        self._first_rotation = self._rotation = image.rotation

    def restart(self) -> None:
        """Resets to the first frame, before decoding starts again there or at a keyframe."""
        self.now, self.widening, self._rotation = self.first, Fraction(1), self._first_rotation

    def update(self, image: av.VideoFrame, coded: Fraction | None) -> None:
        """Takes the next frame.

        Args:
            image: The frame.
            coded: Pixel aspect ratio as the codec declares it now.
        """
        size, aspect, orientation = (
            (image.width, image.height),
            self.now.aspect,
            self.now.orientation,
        )
        # A decoder reads ahead of the frames that it returns, so its values apply from the next
        # keyframe on.
        if image.key_frame:
            same = coded == self._first_coded
            aspect = self.first.aspect if same else plausible(coded)
            if image.rotation != self._rotation:
                self._rotation = image.rotation
                back = self._rotation == self._first_rotation
                orientation = self.first.orientation if back else Orientation.of(image)
        if (size, aspect, orientation) != (self.now.stored, self.now.aspect, self.now.orientation):
            self.now = Shape(size, aspect, orientation)
            self.widening = self.now.display_aspect / self.first.display_aspect


def plausible(aspect: Fraction | None) -> Fraction:
    """Returns the pixel aspect ratio, or 1 if it is missing or too extreme for any camera."""
    known = aspect and 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT
    return Fraction(aspect) if aspect and known else Fraction(1)
