"""Who is in the video cannot be told: everything is blurred, or every head that was found."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.skeleton import KEYPOINTS
from poseway_renderer.drawing.blur import blur, hide
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.heads import Head, HeadFinder
from poseway_renderer.drawing.people import HEAD, Person, PosedFrame
from tests.support.drawn_people import keypoints, standing

WIDTH, HEIGHT = 960, 720
SPACE = ColourSpace(1, 1, 1, False, 1)
TICK = Fraction(1, 30)
NECK, NOSE, EAR = (KEYPOINTS.index(name) for name in ("neck", "nose", "left_ear"))
SHOULDERS = [KEYPOINTS.index(name) for name in ("left_shoulder", "right_shoulder")]


def noise(width: int = WIDTH, height: int = HEIGHT) -> Canvas:
    """A picture with as much detail as there can be, in brightness and in colour."""
    canvas = Canvas(width, height, SPACE)
    random = np.random.default_rng(5)
    for plane in (canvas.luma, *canvas.chroma):
        plane[:] = random.integers(16, 236, plane.shape)
    return canvas


def detail(plane: NDArray[np.uint8]) -> float:
    """Mean difference of neighbours."""
    return float(np.abs(np.diff(plane.astype(int), axis=1)).mean())


def heads(
    *people: Person, untracked: list[NDArray[np.float32]] | None = None, size: int = 1000
) -> list[Head]:
    finder = HeadFinder(size, size, TICK)
    return finder.find(PosedFrame(0, 0, list(people), untracked or []))


def covered(found: list[Head], x: float, y: float) -> bool:
    """Whether a pixel is in any of the ellipses."""
    for head in found:
        turn = np.radians(head.angle)
        along = (x - head.x) * np.cos(turn) + (y - head.y) * np.sin(turn)
        across = (y - head.y) * np.cos(turn) - (x - head.x) * np.sin(turn)
        if (along / head.along) ** 2 + (across / head.across) ** 2 < 1:
            return True
    return False


def without(person: Person, *missing: int) -> Person:
    points = person.keypoints.copy()
    points[list(missing)] = 0
    return replace(person, keypoints=points)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (640, 360), (360, 640), (37, 21)])
def test_a_blurred_picture_has_no_detail_left(width: int, height: int) -> None:
    canvas, plain = noise(width, height), noise(width, height)
    blur(canvas)
    pairs = zip((canvas.luma, *canvas.chroma), (plain.luma, *plain.chroma), strict=True)
    for blurred, plane in pairs:
        assert detail(blurred) < 0.1 * detail(plane)
        assert blurred.mean() == pytest.approx(plane.mean(), abs=6)


def test_stripes_as_fine_as_the_features_of_a_face_are_gone_when_blurred() -> None:
    canvas = Canvas(1280, 720, SPACE)
    # A face as high as the picture has its eyes, nose and mouth about a sixth of it apart.
    stripes = np.where(np.arange(720) // 60 % 2, 220, 30).astype(np.uint8)
    canvas.luma[:] = stripes[:, None]
    blur(canvas)
    assert np.ptp(canvas.luma[200:520].astype(int)) < 0.15 * 190


def test_a_blur_is_steady() -> None:
    still, moved = noise(), noise()
    moved.luma[350:400, 460:500] = 235
    blur(still)
    blur(moved)
    change = np.abs(still.luma.astype(int) - moved.luma)
    assert change[:, 700:].max() == change[:, :240].max() == 0


def test_a_hidden_head_has_no_detail_left_and_all_around_it_is_untouched() -> None:
    canvas, plain = noise(), noise()
    hide(canvas, Head(500, 300, 80, 60, 90, True))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    place = ((rows - 300) / 80) ** 2 + ((columns - 500) / 60) ** 2
    assert detail(canvas.luma[260:340, 470:530]) < 6 < 60 < detail(plain.luma[260:340, 470:530])
    assert (canvas.luma != plain.luma)[place < 0.95].mean() > 0.95
    assert not (canvas.luma != plain.luma)[place > 1.1].any()
    for plane, before in zip(canvas.chroma, plain.chroma, strict=True):
        assert detail(plane[130:170, 235:265]) < 6 < 60 < detail(before[130:170, 235:265])
        assert not (plane != before)[place[::2, ::2] > 1.3].any()


def test_the_features_of_a_hidden_face_are_gone() -> None:
    canvas = Canvas(WIDTH, HEIGHT, SPACE)
    # Eyes, nose and mouth are about a sixth of the head's height apart.
    canvas.luma[:] = np.where(np.arange(HEIGHT) // 20 % 2, 220, 30).astype(np.uint8)[:, None]
    hide(canvas, Head(480, 360, 0.72 * 120, 0.62 * 120, -90, True))
    assert np.ptp(canvas.luma[310:410, 480].astype(int)) < 0.25 * 190


@pytest.mark.parametrize(("x", "y"), [(0, 0), (WIDTH, HEIGHT), (-500, 300), (1e5, -1e4), (480, 2)])
@pytest.mark.parametrize("size", [0.5, 50, 1.2e5])
def test_heads_at_the_edge_and_beyond_are_fine(x: float, y: float, size: float) -> None:
    canvas, plain = noise(), noise()
    hide(canvas, Head(x, y, size, size, 30, True))
    inside = size > 1e4 or (0 <= x <= WIDTH and 0 <= y <= HEIGHT and size > 1)
    assert (canvas.luma != plain.luma).any() == inside


def features(person: Person, size: float) -> list[tuple[float, float]]:
    """What of a head must be covered: all keypoints, and from the hair to the chin."""
    nose = person.keypoints[NOSE, :2]
    points = np.vstack((person.keypoints[list(HEAD), :2], nose, nose))
    points[-2:, 1] += -0.55 * size, 0.4 * size
    return [(float(x), float(y)) for x, y in points]


@pytest.mark.parametrize("height", [60, 300, 900])
def test_the_ellipse_covers_the_whole_head_and_not_the_body(height: int) -> None:
    person = standing(1, 500, 50, height)
    found = heads(person)
    # Somebody who stands is about 7.5 heads high.
    for x, y in features(person, height / 7.5):
        assert covered(found, x, y)
    for x, y, _ in person.keypoints[2:14]:
        assert not covered(found, float(x), float(y))


@pytest.mark.parametrize("missing", [HEAD, HEAD[:4], (*HEAD[:3], EAR), (NOSE,), (NECK, *HEAD)])
@pytest.mark.parametrize("filled", [False, True])
def test_a_head_that_was_not_seen_whole_is_covered_all_the_same(
    missing: tuple[int, ...], filled: bool
) -> None:
    whole = standing(1, 500, 50, 600)
    person = without(whole, *missing)
    if filled:
        person.keypoints[NOSE, :2] = whole.keypoints[NOSE, :2]
        person.filled[NOSE] = True
    found = heads(person)
    for x, y in features(whole, 80):
        assert covered(found, x, y)


def test_somebody_upside_down_has_the_head_below() -> None:
    whole = standing(1, 500, 0, 600)
    whole.keypoints[:, 1] = 700 - whole.keypoints[:, 1]
    found = heads(without(whole, *HEAD))
    assert covered(found, *whole.keypoints[NOSE, :2].tolist())
    assert not covered(found, 500, 700 - 240)


def test_heads_are_found_in_what_is_drawn_in_what_was_seen_and_in_what_is_not_tracked() -> None:
    drawn, raw, stranger = (standing(1, x, 50, 600).keypoints for x in (200, 500, 800))
    found = heads(Person(1, drawn, raw=raw), untracked=[stranger])
    assert all(covered(found, x, 110) for x in (200, 500, 800))
    # Each fills in what the other lacks.
    body, head = drawn.copy(), drawn.copy()
    body[list(HEAD)] = 0
    head[[i for i in range(18) if i not in HEAD]] = 0
    assert len({(h.x, h.y, h.along) for h in heads(Person(1, body, raw=head))}) == 1
    assert covered(heads(Person(1, body, raw=head)), 200, 110)


def test_keypoints_of_two_heads_in_one_pose_make_two_small_ellipses() -> None:
    pose = keypoints(300, 50, 400)
    pose[EAR, 0] += 300
    found = heads(untracked=[pose])
    assert covered(found, 300, 90)
    assert covered(found, *pose[EAR, :2].tolist())
    assert not covered(found, 450, 90)


def test_one_wrong_keypoint_does_not_hide_everything() -> None:
    person = standing(1, 500, 50, 600)
    person.keypoints[KEYPOINTS.index("left_elbow"), :2] = 5000, 5000
    assert all(head.along < 160 for head in heads(person))


def test_where_there_is_nothing_to_tell_of_a_head_there_is_none() -> None:
    legs = [KEYPOINTS.index(f"{side}_{name}") for side in ("left", "right") for name in ("knee",)]
    person = standing(1, 500, 50, 600)
    assert not heads(without(person, *(i for i in range(18) if i not in legs)))
    assert not heads()
    (only,) = heads(without(person, *(i for i in range(18) if i != NOSE)), size=600)
    assert (only.x, only.y) == pytest.approx(tuple(person.keypoints[NOSE, :2]))
    assert only.along > 30


def test_the_place_of_a_head_that_was_lost_stays_hidden_for_a_while() -> None:
    finder = HeadFinder(1000, 1000, TICK)
    person = standing(1, 500, 50, 600)
    finder.find(PosedFrame(0, 0, [person]))
    for pts in range(1, 10):
        found = finder.find(PosedFrame(pts, pts, []))
        assert covered(found, 500, 110), pts
        # Nobody knows where it goes.
        assert found[0].along > heads(person)[0].along
    assert not finder.find(PosedFrame(10, 10, []))


def test_a_head_that_is_found_again_is_hidden_where_it_is_alone() -> None:
    finder = HeadFinder(1000, 1000, TICK)
    finder.find(PosedFrame(0, 0, [standing(1, 200, 50, 600), standing(2, 500, 50, 600)]))
    found = finder.find(PosedFrame(1, 1, [standing(1, 400, 50, 600)]))
    assert not covered(found, 200, 110)
    assert covered(found, 400, 110)
    assert covered(found, 500, 110)
    # A guess is not enough.
    guess = without(standing(1, 700, 50, 600), *HEAD)
    found = finder.find(PosedFrame(2, 2, [guess]))
    assert covered(found, 400, 110)
    assert covered(found, 700, 110)


def test_somebody_untracked_is_found_again_by_place() -> None:
    finder = HeadFinder(1000, 1000, TICK)
    poses = [standing(0, x, 50, 600).keypoints for x in (300, 310, 700)]
    for pts, pose in enumerate(poses[:2]):
        assert len(finder.find(PosedFrame(pts, pts, [], [pose]))) == 1
    found = finder.find(PosedFrame(2, 2, [], [poses[2]]))
    assert covered(found, 310, 110)
    assert covered(found, 700, 110)
