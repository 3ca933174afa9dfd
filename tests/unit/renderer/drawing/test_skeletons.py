"""Skeletons are drawn at their keypoints, in OpenPose's colours, and nowhere else."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError
from poseway.skeleton import COLOURS, KEYPOINTS, LIMBS
from poseway.v1 import pose_pb2, renderer_pb2
from poseway_renderer import request_parsing
from poseway_renderer.drawing.canvas import Canvas
from poseway_renderer.drawing.colour import ColourSpace
from poseway_renderer.drawing.people import Person
from poseway_renderer.drawing.skeletons import SkeletonPainter
from tests.support.canvases import HEIGHT, SPACE, WIDTH, at, drawn, touched
from tests.support.people_to_draw import keypoints, standing

NOSE, KNEE, ANKLE = (KEYPOINTS.index(name) for name in ("nose", "left_knee", "left_ankle"))


def distances(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distance of each pixel from a skeleton whose keypoints are all seen."""
    pixels = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1).astype(float)
    nearest = np.full((HEIGHT, WIDTH), np.inf)
    for start, end in LIMBS:
        a, b = points[start, :2], points[end, :2]
        part = np.clip((pixels - a) @ (b - a) / max(1.0, float((b - a) @ (b - a))), 0, 1)
        nearest = np.minimum(
            nearest, np.linalg.norm(pixels - a - part[..., None] * (b - a), axis=2)
        )
    return nearest


@pytest.mark.parametrize("space", [SPACE, ColourSpace(5, 5, 5, True, 5)])
def test_joints_and_limbs_have_their_colours(space: ColourSpace) -> None:
    person = standing(1, 480, 60, 600)
    canvas = drawn(person, space=space)
    points = person.keypoints[:, :2]
    for index, (x, y) in enumerate(points):
        assert at(canvas, x, y) == space.yuv(COLOURS[index]), KEYPOINTS[index]
    for start, end in LIMBS:
        if NOSE in (start, end) or start > ANKLE:
            continue  # too short to have a middle of its own
        x, y = (points[start] + points[end]) / 2
        assert at(canvas, x, y) == space.yuv(COLOURS[end]), (start, end)


def test_nothing_is_drawn_elsewhere() -> None:
    person = standing(1, 480, 100, 560)
    changed = touched(drawn(person))
    far = distances(person.keypoints) > 10
    # The rest is the label: above the head, and small.
    rows, columns = np.nonzero(changed & far)
    assert rows.max() < person.keypoints[:, 1].min()
    assert np.ptp(rows) < 40
    assert np.ptp(columns) < 40
    assert abs(columns.mean() - 480) < 2
    assert changed[distances(person.keypoints) < 1].all()


def test_unseen_keypoints_are_not_drawn() -> None:
    person = standing(1, 480, 60, 600)
    person.keypoints[KNEE] = 0
    canvas = drawn(person)
    full = keypoints(480, 60, 600)
    assert at(canvas, *full[KNEE, :2]) == (16, 128, 128)
    assert at(canvas, *((full[KNEE, :2] + full[ANKLE, :2]) / 2)) == (16, 128, 128)
    assert at(canvas, *full[ANKLE, :2]) == SPACE.yuv(COLOURS[ANKLE])
    assert not touched(canvas)[:4, :4].any()


def leg(*filled: int) -> tuple[Canvas, int, int]:
    """Draws a person with filled joints in the left leg; returns the widths of thigh and shin."""
    person = standing(1, 480, 60, 600)
    person.keypoints[list(filled), 2] = 0
    person.filled[list(filled)] = True
    canvas = drawn(person)
    thigh, shin = (int((canvas.luma[y, 520:600] != 16).sum()) for y in (432, 576))
    return canvas, thigh, shin


def test_limb_with_a_filled_end_is_thinner() -> None:
    whole, thigh, shin = leg()
    end_filled, same, thin = leg(ANKLE)
    middle_filled, *both = leg(KNEE)
    assert same == thigh
    assert all(0 < width <= 0.6 * shin for width in (thin, *both))
    # A seen joint is a dot; a filled one only ends thin limbs.
    points = keypoints(480, 60, 600)
    for joint, canvas in ((ANKLE, end_filled), (KNEE, middle_filled)):
        x, y, _ = points[joint].astype(int)
        around = np.s_[y, x - 9 : x + 10]
        assert (canvas.luma[around] != 16).sum() <= 0.6 * (whole.luma[around] != 16).sum()


def test_person_with_filled_keypoints_only_has_thin_limbs_and_a_label() -> None:
    person = standing(1, 480, 60, 600)
    full = touched(drawn(person))
    person.filled[:] = True
    person.keypoints[:, 2] = 0
    changed = touched(drawn(person))
    assert np.array_equal(changed[:90], full[:90])
    assert 0 < changed[90:].sum() < 0.8 * full[90:].sum()


def test_person_without_keypoints_is_not_drawn() -> None:
    nobody = Person(7, np.zeros((18, 3), np.float32))
    assert not touched(drawn(nobody)).any()
    assert not touched(drawn()).any()


def test_positions_have_subpixel_precision() -> None:
    points = np.zeros((18, 3), np.float32)
    points[NOSE] = (100, 100, 1)
    points[ANKLE] = (500.3, 500.6, 1)
    area = drawn(Person(1, points)).luma[480:521, 480:521].astype(float) - 16
    rows, columns = np.mgrid[480:521, 480:521]
    assert (columns * area).sum() / area.sum() == pytest.approx(500.3, abs=0.1)
    assert (rows * area).sum() / area.sum() == pytest.approx(500.6, abs=0.1)


def test_small_people_have_thin_limbs() -> None:
    def shins(height: int) -> int:
        middle = 60 + round(0.86 * height)
        return int(touched(drawn(standing(1, 480, 60, height)))[middle].sum())

    assert 0 < shins(100) < shins(600)


def luminance(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative luminance as defined by WCAG 2, of values 0..1."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    weighed: NDArray[np.float64] = linear @ np.array([0.2126, 0.7152, 0.0722])
    return weighed


@pytest.mark.parametrize("background", [0, 128, 255])
def test_labels_are_legible_on_any_background(background: int) -> None:
    painter = SkeletonPainter(WIDTH, HEIGHT, SPACE)
    for track_id in range(1, 41):
        canvas = Canvas(WIDTH, HEIGHT, SPACE)
        canvas.blacken()
        canvas.luma[:] = background
        plain = canvas.luma.copy()
        points = np.zeros((18, 3), np.float32)
        points[ANKLE] = (480, 400, 1)
        painter.paint(canvas, [Person(track_id, points)])
        rows, columns = np.nonzero(canvas.luma[:380] != plain[:380])
        picture = canvas.frame.to_ndarray(format="rgb24") / 255
        # Away from its antialiased edge, the plate has two colours: plate and text.
        plate = picture[rows.min() + 3 : 385, columns.min() + 3 : columns.max() - 3]
        light = luminance(plate)
        assert (light.max() + 0.05) / (light.min() + 0.05) > 4.5, track_id


def test_each_track_has_its_own_label() -> None:
    labels = {drawn(standing(n, 480, 60, 600)).luma[:100].tobytes() for n in range(1, 30)}
    assert len(labels) == 29
    assert np.array_equal(
        drawn(standing(3, 480, 60, 600)).luma, drawn(standing(3, 480, 60, 600)).luma
    )


@pytest.mark.parametrize(("x", "top"), [(0, -100), (WIDTH, 0), (-500, -900), (3e9, -3e9)])
def test_people_may_lie_partly_or_fully_outside(x: float, top: float) -> None:
    canvas = drawn(standing(1234567, x, top, 600))
    # The label stays entirely inside.
    rows, columns = np.nonzero(touched(canvas))
    assert len(rows) > 500
    assert len(columns) > 500


def test_frame_may_be_smaller_than_a_label() -> None:
    canvas = Canvas(7, 5, SPACE)
    canvas.blacken()
    SkeletonPainter(7, 5, SPACE).paint(canvas, [standing(12345, 3, 0, 5)])
    assert (canvas.luma != 16).any()


def posed(**tracked: Any) -> Person:  # noqa: ANN401 # any field of the proto
    """Returns the person of a request with these fields."""
    frame = pose_pb2.TrackedFrame(people=[pose_pb2.TrackedPose(track_id=1, **tracked)])
    requests = iter([renderer_pb2.RenderSegmentRequest(frame=frame)])
    (person,) = next(request_parsing.posed_frames(requests, lambda: True)).people
    return person


def test_smoothed_keypoints_are_drawn_instead_of_raw_ones() -> None:
    raw, smooth = keypoints(300, 60, 600), keypoints(600, 60, 600)
    smooth[ANKLE, 2] = 0
    pose = pose_pb2.Pose(keypoints=raw.ravel().tolist())
    smoothed = pose_pb2.SmoothedPose(keypoints=smooth.ravel().tolist(), filled=[ANKLE])
    person = posed(pose=pose, smoothed=smoothed)
    assert np.array_equal(person.keypoints, smooth)
    assert person.filled.nonzero()[0].tolist() == [ANKLE]
    assert not touched(drawn(person))[:, :400].any()

    assert np.array_equal(posed(pose=pose).keypoints, raw)
    assert not posed(pose=pose).filled.any()


@pytest.mark.parametrize(
    ("numbers", "filled"),
    [
        ([], []),
        ([1.0] * 53, []),
        ([1.0] * 57, []),
        ([1.0] * 53 + [np.nan], []),
        ([np.inf] + [1.0] * 53, []),
        ([1.0] * 54, [18]),
        ([1.0] * 54, [-1]),
    ],
)
def test_invalid_keypoints_are_refused(numbers: list[float], filled: list[int]) -> None:
    pose = pose_pb2.Pose(keypoints=[1.0] * 54)
    smoothed = pose_pb2.SmoothedPose(keypoints=numbers, filled=filled)
    with pytest.raises(InvalidRequestError):
        posed(pose=pose, smoothed=smoothed)
