"""A picture in place of a video, read as a video of one frame."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av

from poseway.media.still_image import photo_stream, plain, read_photo
from poseway.media.timing import StoredOrder
from poseway.media.video_stream import FirstLook

_RATE: Final = Fraction(25)


class StillPicture:
    """The only frame of a picture; see `poseway.media.video_stream.PictureStream`."""

    stays_until = None
    marks_keyframes = True
    stored = StoredOrder()
    pixel_aspect = None

    def __init__(self, container: av.container.InputContainer) -> None:
        """Decodes it.

        Args:
            container: The upload, open; closed by `close`.

        Raises:
            VideoError: It cannot be decoded.
        """
        self.container = container
        self.stream = photo_stream(container)
        self.damaged_packets = 0
        self._first, self._missing = read_photo(container, self.stream)
        self._image = plain(self._first)

    def close(self) -> None:
        """Lets go of the file."""
        self.container.close()

    def look(self) -> FirstLook:
        """What the picture tells."""
        rate = Fraction(self.stream.average_rate or self.stream.guessed_rate or _RATE)
        return FirstLook(self._first, rate=rate, frames=1, least_duration=1)

    def rewind(self) -> None:
        """Nothing has moved."""

    def seek(self, ticks: int) -> bool:
        """There is nothing to seek in."""
        return False

    def count_damage(self) -> None:
        """Counts something that is wrong."""
        self.damaged_packets += 1

    def images(self) -> Iterator[av.VideoFrame]:
        """The picture."""
        self.damaged_packets += self._missing
        yield self._image
