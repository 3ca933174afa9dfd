"""Frame rate and contact sheet of a result."""

from fractions import Fraction
from itertools import pairwise

import pytest

from poseway_gateway.dispatcher.checkpoint import Checkpoint
from poseway_gateway.dispatcher.publish import contact_sheet, measured

# The first is of a version before checkpoints had spans, stills and sizes.
CHECKPOINTS = (
    '{"segment": 0, "frames": 3, "end": 3, "following": [3, 3], "tracker": "", "people": 2,'
    ' "tracks": [1, 2], "screenshots": {}, "seconds": {}}',
    '{"segment": 1, "frames": 3, "end": 6, "following": null, "tracker": "", "people": 2,'
    ' "tracks": [1, 3], "spans": {"1": [[3, 3], [5, 5]], "3": [[3, 5]]}, "screenshots": {},'
    ' "seconds": {}, "stills": {"1": [5, 0.4], "2": [3, 0.9], "3": [4, 0.5]},'
    ' "video_size": [32, 24], "memory": [3, 3], "cuts": [3, 5]}',
)


@pytest.mark.parametrize(
    ("container", "frames", "duration", "rate"),
    [
        ("30000/1001", 300, "10.010", "30000/1001"),
        ("30", 100, "3.332", "30"),  # times in milliseconds
        ("1000", 100, "3.333", "30"),
        ("30", 12, "120", "1/10"),
        ("30", 3, "10800", "1/3600"),
        ("30", 141, "10", "141/10"),
        ("25", 1, "0", "25"),
    ],
)
def test_rate_is_frames_over_time(container: str, frames: int, duration: str, rate: str) -> None:
    found = measured(Fraction(container), frames, Fraction(duration))
    assert float(found) == pytest.approx(float(Fraction(rate)), rel=0.002)
    assert (found == Fraction(container)) == (container == rate)


def shots(count: int) -> list[Checkpoint]:
    checkpoint = Checkpoint.model_validate_json(CHECKPOINTS[1])
    return [
        checkpoint.model_copy(update={"screenshots": dict.fromkeys(range(start, start + 5), 0)})
        for start in range(0, count, 5)
    ]


def test_contact_sheet_has_at_most_forty_evenly_spaced_screenshots() -> None:
    assert contact_sheet(shots(40)) == list(range(40))
    chosen = contact_sheet(shots(200))
    assert len(chosen) == 40
    assert (chosen[0], chosen[-1]) == (0, 199)
    assert {after - before for before, after in pairwise(chosen)} == {5, 6}
