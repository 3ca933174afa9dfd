"""Options of style: labels, boxes, line width."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from poseway.skeleton import COLOURS, KEYPOINTS, track_colour
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.labels import LabelPainter
from poseway_renderer.drawing.style import Style
from tests.support.canvases import HEIGHT, SPACE, WIDTH, at, drawn, touched
from tests.support.people_to_draw import standing

HIP, KNEE = (KEYPOINTS.index(name) for name in ("left_hip", "left_knee"))


def label(score: float | None = 0.87, ids: bool = True, scores: bool = False) -> tuple[int, int]:
    """Width and luma of the label above a person."""
    person = replace(standing(3, 480, 60, 600), score=score)
    area = drawn(person, style=Style(ids=ids, scores=scores)).luma[:80]
    columns = np.nonzero((area != 16).any(axis=0))[0]
    return (int(np.ptp(columns)) if len(columns) else 0), int(area.astype(int).sum())


def test_label_shows_id_score_both_or_nothing() -> None:
    (number, _), (both, _), (score, _) = (
        label(),
        label(scores=True),
        label(ids=False, scores=True),
    )
    assert 0 < number < score < both
    assert label(ids=False) == (0, 16 * 80 * WIDTH)
    # The score belongs to the person, is a whole percentage, and may be unknown.
    assert label(scores=True) == label(scores=True, score=0.8699)
    assert label(scores=True) != label(scores=True, score=0.88)
    assert label(scores=True, score=None) == label()
    assert label(scores=True, score=1.0000001) == label(scores=True, score=1.0)


def test_cache_of_plates_is_bounded() -> None:
    labels = LabelPainter(14, SPACE)
    canvas = Canvas(WIDTH, HEIGHT, SPACE)
    canvas.blacken()
    tracemalloc.start()
    try:
        for number in range(2000):
            labels.put(canvas, number, f"{number} · 50 %", 400, 300)
            if number == 500:
                before, _ = tracemalloc.get_traced_memory()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after < 1.2 * before


def test_box_encloses_the_person_in_the_colour_of_the_track() -> None:
    person = standing(2, 480, 100, 500)
    plain, boxed = drawn(person), drawn(person, style=Style(boxes=True))
    changed = plain.luma != boxed.luma
    rows, columns = np.nonzero(changed)
    left, right = person.keypoints[:, 0].min(), person.keypoints[:, 0].max()
    top, bottom = person.keypoints[:, 1].min(), person.keypoints[:, 1].max()
    # The head extends above the eyes.
    assert 10 < top - rows.min() < 90
    assert 10 < rows.max() - bottom < 40
    assert 10 < left - columns.min() < 40
    assert 10 < columns.max() - right < 40
    colour = SPACE.yuv(track_colour(2))
    for x, y in ((columns.min(), 400), (columns.max(), 400), (300, rows.max())):
        inside = min(max(x, columns.min() + 1), columns.max() - 1)
        assert at(boxed, inside, min(y, rows.max() - 1)) == colour
    # It is thin, and the area between it and the person is unchanged.
    assert changed[400].sum() <= 8
    middle = np.s_[rows.min() + 10 : rows.max() - 10, columns.min() + 10 : columns.max() - 10]
    assert not changed[middle].any()


@pytest.mark.parametrize(("x", "top"), [(0, -100), (WIDTH, 300), (-900, -900), (3e9, -3e9)])
def test_boxes_may_lie_outside(x: float, top: float) -> None:
    style = Style(ids=False, boxes=True)
    far = abs(x) > 2 * WIDTH or x < -500
    assert touched(drawn(standing(1, x, top, 600), style=style))[20:-20, 20:-20].any() == (not far)


@pytest.mark.parametrize("height", [300, 600])
@pytest.mark.parametrize("width", [1.0, 6.0, 20.0])
def test_limbs_have_the_requested_width(width: float, height: int) -> None:
    person = standing(1, 480, 60, height)
    person.keypoints[[n for n in range(18) if n not in (HIP, KNEE)], 2] = 0
    luma = drawn(person, style=Style(ids=False, line_width=width)).luma
    thigh, dark = SPACE.yuv(COLOURS[KNEE])[0], SPACE.yuv((20, 20, 20))[0]
    across = luma[60 + round(0.62 * height)] > (thigh + dark) / 2
    # OpenCV's antialiased edges are a pixel wide.
    assert across.sum() == pytest.approx(width + 1, abs=1.5)
