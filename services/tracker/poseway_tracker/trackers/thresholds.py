"""Thresholds of the default tracker."""

from typing import Final, NamedTuple


class Thresholds(NamedTuple):
    """Scores and similarities of the three rounds of matching, each in 0..1.

    They were chosen by measurement; see ``docs/tracking.md``. Saved states contain them in this
    order.

    Attributes:
        high_score: Minimum score of a certain detection.
        new_score: Minimum score of a detection that may begin a track.
        overlap: Minimum similarity in the first round.
        uncertain_overlap: Minimum similarity in the second round.
        wide_overlap: Minimum overlap of widened boxes in the third round.
        widening: Share of width and height by which boxes are widened on every side.
        same_height: Minimum ratio of the smaller to the larger height in the third round.
    """

    high_score: float
    new_score: float
    overlap: float = 0.2
    uncertain_overlap: float = 0.4
    wide_overlap: float = 0.3
    widening: float = 0.5
    same_height: float = 0.75


POSES: Final = Thresholds(high_score=0.15, new_score=0.15, same_height=0.5)
"""For poses. The height limit is loose, because people who sit down have lower boxes."""

BOXES: Final = Thresholds(high_score=0.8, new_score=0.9)
"""For the boxes of a detector whose scores are probabilities."""
