"""How the picture is to look."""

import colorsys
from dataclasses import dataclass
from enum import Enum
from typing import Final

# Consecutive ids are this part of the colour circle apart, so that they never look alike.
_GOLDEN: Final = 0.618034


class Background(Enum):
    """What people are drawn on."""

    VIDEO = "video"
    BLACK = "black"
    BLURRED = "blurred"
    FACES_BLURRED = "faces_blurred"


@dataclass(frozen=True, slots=True)
class Look:
    """What is drawn.

    Attributes:
        background: What people are drawn on.
        ids: Whether the number of each track is written at its person.
        scores: Whether the score of each person is.
        boxes: Whether there is a box around each person.
        trails: Whether the path of each person in the last second is drawn.
        line_width: Width of a limb in pixels; None to suit picture and person.
    """

    background: Background = Background.VIDEO
    ids: bool = True
    scores: bool = False
    boxes: bool = False
    trails: bool = False
    line_width: float | None = None


def track_colour(track_id: int) -> tuple[int, int, int]:
    """RGB of all that belongs to a track rather than to a joint."""
    red, green, blue = colorsys.hsv_to_rgb(track_id * _GOLDEN % 1, 0.72, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)
