"""Trails cover the last second by presentation time, across segments."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from poseway.skeleton import KEYPOINTS, track_colour
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.people import Person, PosedFrame
from poseway_renderer.drawing.trails import Trails

WIDTH, HEIGHT = 640, 360
SPACE = ColourSpace(1, 1, 1, False, 1)
WRIST, KNEE = KEYPOINTS.index("left_wrist"), KEYPOINTS.index("left_knee")


def wrist(x: float, y: float, track_id: int = 1) -> Person:
    """A person with a wrist, and a knee that makes the person 200 pixels high."""
    points = np.zeros((18, 3), np.float32)
    points[WRIST] = (x, y, 1)
    points[KNEE] = (x, y + 200, 1)
    return Person(track_id, points)


def drawn(frames: Sequence[PosedFrame], time_base: Fraction = Fraction(1, 30)) -> Canvas:
    trails = Trails(6, SPACE, time_base)
    for frame in frames:
        trails.follow(frame)
    canvas = Canvas(WIDTH, HEIGHT, SPACE)
    canvas.blacken()
    trails.draw(canvas)
    return canvas


def walk(count: int, step: int = 1, pace: float = 10) -> list[PosedFrame]:
    """Frames of a wrist that moves to the right, starting at x = 20."""
    return [PosedFrame(n, n * step, [wrist(20 + pace * n, 100)]) for n in range(count)]


def lit(canvas: Canvas) -> tuple[int, int]:
    """First and last column that was drawn on."""
    columns = np.nonzero((canvas.luma != 16).any(axis=0))[0]
    return int(columns.min()), int(columns.max())


@pytest.mark.parametrize(("step", "seconds"), [(1, Fraction(1, 30)), (512, Fraction(1, 15_360))])
def test_trail_covers_the_last_second(step: int, seconds: Fraction) -> None:
    first, last = lit(drawn(walk(60, step), seconds))
    # The wrist ends at x = 610; a second earlier it was 300 pixels to the left.
    assert last == pytest.approx(610, abs=8)
    assert first == pytest.approx(320, abs=12)


def test_trail_length_depends_on_time_not_on_frames() -> None:
    first, last = lit(drawn(walk(60), Fraction(1, 15)))
    assert first == pytest.approx(470, abs=12)
    assert last == pytest.approx(610, abs=8)
    # Presentation times may be uneven.
    times = [0, 1, 3, 4, 6, 29, 33, 34]
    frames = [PosedFrame(n, t, [wrist(20 + 10 * t, 100)]) for n, t in enumerate(times)]
    first, last = lit(drawn(frames))
    assert first == pytest.approx(310, abs=8)
    assert last == pytest.approx(360, abs=8)


def test_trail_fades_and_has_the_colour_of_the_track() -> None:
    canvas = drawn(walk(30))
    across = (canvas.luma != 16).sum(axis=0)
    light = canvas.luma.max(axis=0).astype(int)
    assert light[60] < light[160] < light[300]
    assert across[60] < across[300]
    _, blue, red = SPACE.yuv(track_colour(1))
    assert abs(int(canvas.chroma[0][50, 150]) - blue) < 25
    assert abs(int(canvas.chroma[1][50, 150]) - red) < 25
    assert not (canvas.luma[:80] != 16).any()


def test_trails_continue_across_segments() -> None:
    frames = walk(50)
    trails = Trails(6, SPACE, Fraction(1, 30))
    for frame in frames:
        trails.follow(frame)
        if frame.index < 40:
            continue
        whole, part = Canvas(WIDTH, HEIGHT, SPACE), Canvas(WIDTH, HEIGHT, SPACE)
        whole.blacken()
        part.blacken()
        trails.draw(whole)
        # Positions older than a second have no effect.
        trails_of_part = Trails(6, SPACE, Fraction(1, 30))
        for seen in frames[10 : frame.index + 1]:
            trails_of_part.follow(seen)
        trails_of_part.draw(part)
        for a, b in zip((whole.luma, *whole.chroma), (part.luma, *part.chroma), strict=True):
            assert np.array_equal(a, b)


def test_trail_of_a_person_who_left_fades_out() -> None:
    gone = [PosedFrame(n, n, []) for n in range(20, 60)]
    assert (drawn([*walk(20), *gone[:20]]).luma != 16).any()
    assert not (drawn([*walk(20), *gone[:30]]).luma != 16).any()


def test_interrupted_trail_is_not_connected() -> None:
    frames = [frame for frame in walk(30) if not 10 <= frame.index < 20]
    columns = (drawn(frames).luma != 16).any(axis=0)
    assert columns[30:100].all()
    assert not columns[120:210].any()
    assert columns[230:300].all()
    frames = [frame for frame in walk(30) if not 10 <= frame.index < 13]
    assert (drawn(frames).luma != 16).any(axis=0)[30:300].all()


def test_swapped_hands_leave_no_line() -> None:
    frames = [PosedFrame(n, n, [wrist(100 if n < 10 else 400, 100 + n)]) for n in range(20)]
    columns = (drawn(frames).luma != 16).any(axis=0)
    assert columns[100]
    assert columns[400]
    assert not columns[120:380].any()


def test_each_track_has_its_own_trail() -> None:
    canvas = drawn(
        [
            PosedFrame(n, n, [wrist(100 + 10 * n, 60, 1), wrist(100 + 10 * n, 160, 2)])
            for n in range(20)
        ]
    )
    assert not (canvas.luma[80:140] != 16).any()
    assert canvas.chroma[0][30, 140] != canvas.chroma[0][80, 140]


@pytest.mark.parametrize("place", [(-500.0, -500.0), (3e9, -3e9), (WIDTH - 1.0, HEIGHT - 1.0)])
def test_trails_may_lie_outside(place: tuple[float, float]) -> None:
    frames = [PosedFrame(n, n, [wrist(place[0] + n, place[1] + n)]) for n in range(10)]
    assert (drawn(frames).luma != 16).any() == (place[0] == WIDTH - 1)
