"""How the picture is to look."""

from dataclasses import dataclass

from poseway.jobs import Overlay


@dataclass(frozen=True, slots=True)
class Style:
    """What is drawn.

    Attributes:
        overlay: What people are drawn on.
        ids: Whether the number of each track is written at its person.
        scores: Whether the score of each person is.
        boxes: Whether there is a box around each person.
        trails: Whether the path of each person in the last second is drawn.
        line_width: Width of a limb in pixels; None to suit picture and person.
    """

    overlay: Overlay = Overlay.VIDEO
    ids: bool = True
    scores: bool = False
    boxes: bool = False
    trails: bool = False
    line_width: float | None = None
