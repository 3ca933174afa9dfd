"""MoveNet: reading its output, and the real network on a frame of a real video."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError, NotFoundError
from poseway.model_cards import find_card, load_cards, read_weights
from poseway.skeleton import KEYPOINTS
from poseway_inference.engines.tensorflow import TensorFlowEngine
from poseway_inference.families.base import Frame, People
from poseway_inference.families.movenet.estimator import MoveNetEstimator, read_people
from poseway_inference.graphs import tfjs

Floats = NDArray[np.float32]

PARTS = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO = ["nose", *(f"{side}_{part}" for part in PARTS for side in ("left", "right"))]
NECK = KEYPOINTS.index("neck")


# --- its output -----------------------------------------------------------------------------


def row(score: float) -> Floats:
    """A person whose k-th keypoint in COCO's order is at x = k / 20, y = k / 40."""
    k = np.arange(len(COCO))
    keypoints = np.stack([k / 40, k / 20, np.full(len(k), 0.9)], axis=1)
    return np.concatenate([keypoints.ravel(), [0, 0, 1, 1, score]]).astype(np.float32)


def output(*rows: Floats) -> Floats:
    return np.stack(rows)[None]


def test_keypoints_are_mapped_by_name() -> None:
    ((keypoints,), (score,)) = read_people(output(row(0.7)))
    assert score == np.float32(0.7)
    for name, (x, y, seen) in zip(KEYPOINTS, keypoints.tolist(), strict=True):
        if name != "neck":
            k = COCO.index(name)
            assert (x, y, seen) == pytest.approx((k / 20, k / 40, 0.9))


def test_neck_is_the_midpoint_of_the_shoulders_with_the_lower_score() -> None:
    person = row(0.7)
    person[3 * COCO.index("left_shoulder") + 2] = 0.4
    ((keypoints,), _) = read_people(output(person))
    assert keypoints[NECK].tolist() == pytest.approx([5.5 / 20, 5.5 / 40, 0.4])
    person[3 * COCO.index("left_shoulder") + 2] = 0.01
    ((keypoints,), _) = read_people(output(person))
    assert keypoints[[NECK, KEYPOINTS.index("left_shoulder")]].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert keypoints[KEYPOINTS.index("right_shoulder"), 2] == np.float32(0.9)


def test_people_are_sorted_by_score_and_unlikely_ones_dropped() -> None:
    few = row(0.9)
    few[2 + 3 * 3 : 3 * len(COCO) : 3] = 0
    people = read_people(output(row(0.3), row(0.01), few, row(0.8), row(0), row(0.2)))
    assert people.scores.tolist() == np.array([0.8, 0.3, 0.2], np.float32).tolist()
    assert people.keypoints.shape == (3, 18, 3)
    nobody = read_people(output(row(0), row(0.01)))
    assert (nobody.keypoints.shape, nobody.scores.shape) == ((0, 18, 3), (0,))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_ignored(value: float) -> None:
    x_of_the_nose, score_of_a_knee, score_of_the_person = row(0.9), row(0.8), row(0.7)
    x_of_the_nose[1] = value
    score_of_a_knee[3 * COCO.index("left_knee") + 2] = value
    score_of_the_person[-1] = value
    keypoints, scores = read_people(output(x_of_the_nose, score_of_a_knee, score_of_the_person))
    assert scores.tolist() == np.array([0.9, 0.8], np.float32).tolist()
    assert np.isfinite(keypoints).all()
    assert keypoints[0, KEYPOINTS.index("nose")].tolist() == [0, 0, 0]
    assert keypoints[1, KEYPOINTS.index("left_knee")].tolist() == [0, 0, 0]


# --- the real network -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine() -> TensorFlowEngine:
    card = find_card("movenet-multipose", load_cards())
    try:
        weights = read_weights(card)
    except NotFoundError as error:
        pytest.skip(error.message)
    return TensorFlowEngine(tfjs.read(weights, card.float32))


@pytest.fixture(scope="module")
def estimator(engine: TensorFlowEngine) -> MoveNetEstimator:
    return MoveNetEstimator(engine, 384, 512)


def resized(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def assert_woman_and_man(people: People) -> None:
    assert 1 >= people.scores[0] >= people.scores[1] > 0.1
    necks, feet = [(836, 597), (722, 145)], [900, 425]
    for person, neck, y in zip(people.keypoints, necks, feet, strict=True):
        assert np.abs(person[NECK, :2] - neck).max() < 15
        ankles = [KEYPOINTS.index(f"{side}_ankle") for side in ("left", "right")]
        assert np.abs(person[ankles, 1] - y).max() < 40


@pytest.mark.parametrize("accurate", [False, True])
def test_finds_the_people_of_a_frame(
    estimator: MoveNetEstimator, picture: NDArray[np.uint8], accurate: bool
) -> None:
    (people,) = estimator.estimate([Frame(picture, (1768, 994), accurate=accurate)])
    assert_woman_and_man(people)
    (best,) = estimator.estimate([Frame(picture, (1768, 994), max_people=1, accurate=accurate)])
    assert np.array_equal(best.keypoints, people.keypoints[:1])


@pytest.mark.parametrize("size", [(683, 384), (2652, 1491)])
def test_keypoints_are_in_pixels_of_the_source(
    estimator: MoveNetEstimator, picture: NDArray[np.uint8], size: tuple[int, int]
) -> None:
    (people,) = estimator.estimate([Frame(resized(picture, *size), (1768, 994))])
    assert_woman_and_man(people)


def test_keypoints_match_the_raw_output(
    engine: TensorFlowEngine, estimator: MoveNetEstimator, picture: NDArray[np.uint8]
) -> None:
    # Nothing is scaled or padded, so the network's own output is comparable.
    cut = resized(picture[100:900, 400:1600], 384, 256)
    direct = engine.run(np.asarray(cut[None, ..., ::-1], np.float32))[0]
    nose_y, nose_x, seen = direct[np.argmax(direct[:, -1]), :3].tolist()
    (people,) = estimator.estimate([Frame(cut, (384, 256))])
    assert people.keypoints[0, 0].tolist() == pytest.approx([384 * nose_x, 256 * nose_y, seen])


def test_colour_order_matters(estimator: MoveNetEstimator, picture: NDArray[np.uint8]) -> None:
    swapped = np.ascontiguousarray(picture[..., ::-1])
    frames = [Frame(image, (1768, 994)) for image in (picture, swapped)]
    right, wrong = estimator.estimate(frames)
    assert right.scores.sum() > wrong.scores.sum()


@pytest.mark.parametrize(
    ("size", "shape", "accurate_shape"),
    [
        ((1768, 994), (384, 224), (512, 288)),
        ((480, 640), (288, 384), (384, 512)),
        ((5000, 10), (384, 32), (512, 32)),
        ((1, 1), (384, 384), (512, 512)),
    ],
)
def test_frames_of_any_shape_fit(
    estimator: MoveNetEstimator,
    size: tuple[int, int],
    shape: tuple[int, int],
    accurate_shape: tuple[int, int],
) -> None:
    grey = np.full((size[1], size[0], 3), 127, np.uint8)
    assert estimator.batch_size == 1
    assert estimator.shape(Frame(grey, size)) == shape
    assert estimator.shape(Frame(grey, size, accurate=True)) == accurate_shape
    (nobody,) = estimator.estimate([Frame(grey, size)])
    assert len(nobody.scores) == 0


def test_frame_without_pixels_is_refused(estimator: MoveNetEstimator) -> None:
    with pytest.raises(InvalidRequestError, match="must have pixels"):
        estimator.shape(Frame(np.zeros((0, 5, 3), np.uint8), (5, 5)))
    with pytest.raises(InvalidRequestError, match="must have pixels"):
        estimator.estimate([Frame(np.zeros((5, 5, 3), np.uint8), (5, 0))])
