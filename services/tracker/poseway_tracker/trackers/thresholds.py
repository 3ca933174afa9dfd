"""How alike and how certain people must be to be taken for the same."""

from typing import Final, NamedTuple


class Thresholds(NamedTuple):
    """Chosen by measuring; see ``docs/tracking.md``.

    Attributes:
        high_score: Least score of who is certain.
        new_score: Least score of who may begin a track.
        overlap: Least similarity of the first round.
        uncertain_overlap: Least similarity of the second round.
        wide_overlap: Least overlap of widened boxes in the third round.
        widening: By which share of their sides these are widened.
        same_height: Least ratio of the smaller to the larger height in the third round.
    """

    high_score: float
    new_score: float
    overlap: float = 0.2
    uncertain_overlap: float = 0.4
    wide_overlap: float = 0.3
    widening: float = 0.5
    same_height: float = 0.75


POSES: Final = Thresholds(high_score=0.15, new_score=0.15, same_height=0.5)
"""For the people that the decoder finds; who sits down has a lower box."""

BOXES: Final = Thresholds(high_score=0.8, new_score=0.9)
"""For the boxes of a detector whose scores are probabilities."""
