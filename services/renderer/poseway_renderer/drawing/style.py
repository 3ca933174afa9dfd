"""What is drawn on frames, and on what background."""

from dataclasses import dataclass

from poseway.jobs import Overlay


@dataclass(frozen=True, slots=True)
class Style:
    """What is drawn.

    Attributes:
        overlay: What people are drawn on.
        ids: Whether each person is labelled with its track id.
        scores: Whether each person is labelled with its score.
        boxes: Whether each person has a box around it.
        trails: Whether each person's path in the last second is drawn.
        line_width: Width of a limb in pixels; None adapts it to frame and person.
    """

    overlay: Overlay = Overlay.VIDEO
    ids: bool = True
    scores: bool = False
    boxes: bool = False
    trails: bool = False
    line_width: float | None = None
