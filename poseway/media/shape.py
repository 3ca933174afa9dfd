"""The shape of a video's pictures, which may change midway."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av

from poseway.media.orientation import Orientation

_MOST_ASPECT: Final = Fraction(4)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a stored picture is to be shown.

    Attributes:
        stored: Width and height in pixels, as it is stored.
        aspect: Width of a stored pixel by its height.
        orientation: What makes it upright.
    """

    stored: tuple[int, int]
    aspect: Fraction
    orientation: Orientation

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture in pixels."""
        width, height = self.stored
        return (height, width) if self.orientation.sideways else (width, height)

    @property
    def pixel_aspect(self) -> Fraction:
        """Width of an upright picture's pixels by their height."""
        return 1 / self.aspect if self.orientation.sideways else self.aspect

    @property
    def display_aspect(self) -> Fraction:
        """Width by height of the upright picture as it is displayed."""
        width, height = self.size
        return Fraction(width, height) * self.pixel_aspect


class ShapeTracker:
    """Follows the shape of pictures, one after the other.

    Attributes:
        first: Shape of the first picture of the video.
        now: Shape of the last picture that was looked at.
        widening: Its display aspect ratio by that of the first picture.
    """

    def __init__(
        self, image: av.VideoFrame, aspect: Fraction | None, coded: Fraction | None
    ) -> None:
        """Looks at the first picture of a video.

        Args:
            image: The picture.
            aspect: Width of its pixels by their height, as container or codec tell.
            coded: The same as the codec alone tells.
        """
        size = image.width, image.height
        self.first = self.now = Shape(size, plausible(aspect), Orientation.of(image))
        self.widening = Fraction(1)
        self._first_coded = coded
        self._first_rotation = self._rotation = image.rotation

    def restart(self) -> None:
        """Decoding begins anew, at the first picture or at a keyframe."""
        self.now, self.widening, self._rotation = self.first, Fraction(1), self._first_rotation

    def update(self, image: av.VideoFrame, coded: Fraction | None) -> None:
        """Looks at the next picture.

        Args:
            image: The picture.
            coded: Width of a pixel by its height, as the codec tells now.
        """
        size, aspect, orientation = (
            (image.width, image.height),
            self.now.aspect,
            self.now.orientation,
        )
        # A decoder is ahead of the pictures that it gives: what it tells holds from a keyframe on.
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
    """Width of a pixel by its height; 1 where what is told is no camera's, but damage."""
    known = aspect and 1 / _MOST_ASPECT <= aspect <= _MOST_ASPECT
    return Fraction(aspect) if aspect and known else Fraction(1)
