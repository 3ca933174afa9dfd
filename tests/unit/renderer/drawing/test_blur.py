"""People cannot be recognised when the frame or their heads are blurred."""

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
from tests.support.people_to_draw import keypoints, standing

WIDTH, HEIGHT = 960, 720
SPACE = ColourSpace(1, 1, 1, False, 1)
TICK = Fraction(1, 30)
NECK, NOSE, EAR = (KEYPOINTS.index(name) for name in ("neck", "nose", "left_ear"))
SHOULDERS = [KEYPOINTS.index(name) for name in ("left_shoulder", "right_shoulder")]


def noise(width: int = WIDTH, height: int = HEIGHT) -> Canvas:
    """A frame with the most detail possible, in luma and in chroma."""
    canvas = Canvas(width, height, SPACE)
    random = np.random.default_rng(5)
    for plane in (canvas.luma, *canvas.chroma):
        plane[:] = random.integers(16, 236, plane.shape)
    return canvas


def detail(plane: NDArray[np.uint8]) -> float:
    """Mean difference between neighbouring samples."""
    return float(np.abs(np.diff(plane.astype(int), axis=1)).mean())


def heads(
    *people: Person, untracked: list[NDArray[np.float32]] | None = None, size: int = 1000
) -> list[Head]:
    finder = HeadFinder(size, size, TICK)
    return finder.find(PosedFrame(0, 0, list(people), untracked or []))


def covered(found: list[Head], x: float, y: float) -> bool:
    """Whether each pixel lies in any of the ellipses."""
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
def test_blurred_frame_has_no_detail(width: int, height: int) -> None:
    canvas, plain = noise(width, height), noise(width, height)
    blur(canvas)
    pairs = zip((canvas.luma, *canvas.chroma), (plain.luma, *plain.chroma), strict=True)
    for blurred, plane in pairs:
        assert detail(blurred) < 0.1 * detail(plane)
        assert blurred.mean() == pytest.approx(plane.mean(), abs=6)


def test_blur_removes_stripes_as_fine_as_facial_features() -> None:
    canvas = Canvas(1280, 720, SPACE)
    # In a face as high as the frame, eyes, nose and mouth are about a sixth of it apart.
    stripes = np.where(np.arange(720) // 60 % 2, 220, 30).astype(np.uint8)
    canvas.luma[:] = stripes[:, None]
    blur(canvas)
    assert np.ptp(canvas.luma[200:520].astype(int)) < 0.15 * 190


def test_blur_of_a_static_area_does_not_flicker() -> None:
    still, moved = noise(), noise()
    moved.luma[350:400, 460:500] = 235
    blur(still)
    blur(moved)
    change = np.abs(still.luma.astype(int) - moved.luma)
    assert change[:, 700:].max() == change[:, :240].max() == 0


def test_hidden_head_has_no_detail_and_its_surroundings_are_unchanged() -> None:
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


def test_hidden_face_has_no_features() -> None:
    canvas = Canvas(WIDTH, HEIGHT, SPACE)
    # Eyes, nose and mouth are about a sixth of the head's height apart.
    canvas.luma[:] = np.where(np.arange(HEIGHT) // 20 % 2, 220, 30).astype(np.uint8)[:, None]
    hide(canvas, Head(480, 360, 0.72 * 120, 0.62 * 120, -90, True))
    assert np.ptp(canvas.luma[310:410, 480].astype(int)) < 0.25 * 190


@pytest.mark.parametrize(("x", "y"), [(0, 0), (WIDTH, HEIGHT), (-500, 300), (1e5, -1e4), (480, 2)])
@pytest.mark.parametrize("size", [0.5, 50, 1.2e5])
def test_heads_may_lie_partly_or_fully_outside(x: float, y: float, size: float) -> None:
    canvas, plain = noise(), noise()
    hide(canvas, Head(x, y, size, size, 30, True))
    inside = size > 1e4 or (0 <= x <= WIDTH and 0 <= y <= HEIGHT and size > 1)
    assert (canvas.luma != plain.luma).any() == inside


def features(person: Person, size: float) -> list[tuple[float, float]]:
    """Points of a head that must be covered: all keypoints, and from hair to chin."""
    nose = person.keypoints[NOSE, :2]
    points = np.vstack((person.keypoints[list(HEAD), :2], nose, nose))
    points[-2:, 1] += -0.55 * size, 0.4 * size
    return [(float(x), float(y)) for x, y in points]


@pytest.mark.parametrize("height", [60, 300, 900])
def test_ellipse_covers_the_head_but_not_the_body(height: int) -> None:
    person = standing(1, 500, 50, height)
    found = heads(person)
    # A standing person is about 7.5 heads high.
    for x, y in features(person, height / 7.5):
        assert covered(found, x, y)
    for x, y, _ in person.keypoints[2:14]:
        assert not covered(found, float(x), float(y))


@pytest.mark.parametrize("missing", [HEAD, HEAD[:4], (*HEAD[:3], EAR), (NOSE,), (NECK, *HEAD)])
@pytest.mark.parametrize("filled", [False, True])
def test_partly_seen_head_is_covered(missing: tuple[int, ...], filled: bool) -> None:
    whole = standing(1, 500, 50, 600)
    person = without(whole, *missing)
    if filled:
        person.keypoints[NOSE, :2] = whole.keypoints[NOSE, :2]
        person.filled[NOSE] = True
    found = heads(person)
    for x, y in features(whole, 80):
        assert covered(found, x, y)


def test_head_of_an_upside_down_person_is_below() -> None:
    whole = standing(1, 500, 0, 600)
    whole.keypoints[:, 1] = 700 - whole.keypoints[:, 1]
    found = heads(without(whole, *HEAD))
    assert covered(found, *whole.keypoints[NOSE, :2].tolist())
    assert not covered(found, 500, 700 - 240)


def test_heads_come_from_smoothed_raw_and_untracked_poses() -> None:
    drawn, raw, stranger = (standing(1, x, 50, 600).keypoints for x in (200, 500, 800))
    found = heads(Person(1, drawn, raw=raw), untracked=[stranger])
    assert all(covered(found, x, 110) for x in (200, 500, 800))
    # Each supplies keypoints that the other lacks.
    body, head = drawn.copy(), drawn.copy()
    body[list(HEAD)] = 0
    head[[i for i in range(18) if i not in HEAD]] = 0
    assert len({(h.x, h.y, h.along) for h in heads(Person(1, body, raw=head))}) == 1
    assert covered(heads(Person(1, body, raw=head)), 200, 110)


def test_pose_mixing_two_heads_makes_two_small_ellipses() -> None:
    pose = keypoints(300, 50, 400)
    pose[EAR, 0] += 300
    found = heads(untracked=[pose])
    assert covered(found, 300, 90)
    assert covered(found, *pose[EAR, :2].tolist())
    assert not covered(found, 450, 90)


def test_one_misplaced_keypoint_does_not_hide_the_frame() -> None:
    person = standing(1, 500, 50, 600)
    person.keypoints[KEYPOINTS.index("left_elbow"), :2] = 5000, 5000
    assert all(head.along < 160 for head in heads(person))


def test_pose_without_head_neck_and_shoulders_has_no_head() -> None:
    legs = [KEYPOINTS.index(f"{side}_{name}") for side in ("left", "right") for name in ("knee",)]
    person = standing(1, 500, 50, 600)
    assert not heads(without(person, *(i for i in range(18) if i not in legs)))
    assert not heads()
    (only,) = heads(without(person, *(i for i in range(18) if i != NOSE)), size=600)
    assert (only.x, only.y) == pytest.approx(tuple(person.keypoints[NOSE, :2]))
    assert only.along > 30


def test_lost_head_stays_covered_for_a_while() -> None:
    finder = HeadFinder(1000, 1000, TICK)
    person = standing(1, 500, 50, 600)
    finder.find(PosedFrame(0, 0, [person]))
    for pts in range(1, 10):
        found = finder.find(PosedFrame(pts, pts, []))
        assert covered(found, 500, 110), pts
        # Its direction is unknown.
        assert found[0].along > heads(person)[0].along
    assert not finder.find(PosedFrame(10, 10, []))


def test_refound_head_is_covered_only_at_its_new_position() -> None:
    finder = HeadFinder(1000, 1000, TICK)
    finder.find(PosedFrame(0, 0, [standing(1, 200, 50, 600), standing(2, 500, 50, 600)]))
    found = finder.find(PosedFrame(1, 1, [standing(1, 400, 50, 600)]))
    assert not covered(found, 200, 110)
    assert covered(found, 400, 110)
    assert covered(found, 500, 110)
    # A position guessed from the body is not enough.
    guess = without(standing(1, 700, 50, 600), *HEAD)
    found = finder.find(PosedFrame(2, 2, [guess]))
    assert covered(found, 400, 110)
    assert covered(found, 700, 110)


def test_untracked_head_is_refound_by_position() -> None:
    finder = HeadFinder(1000, 1000, TICK)
    poses = [standing(0, x, 50, 600).keypoints for x in (300, 310, 700)]
    for pts, pose in enumerate(poses[:2]):
        assert len(finder.find(PosedFrame(pts, pts, [], [pose]))) == 1
    found = finder.find(PosedFrame(2, 2, [], [poses[2]]))
    assert covered(found, 310, 110)
    assert covered(found, 700, 110)
