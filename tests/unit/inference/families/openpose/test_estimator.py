"""Pose estimation from frame to people, with the real network on a frame of a real video."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError
from poseway.skeleton import KEYPOINTS
from poseway_inference.engines.base import Engine
from poseway_inference.families.base import Frame, People
from poseway_inference.families.openpose.estimator import OpenPoseEstimator

Picture = NDArray[np.uint8]
NOSE, NECK = KEYPOINTS.index("nose"), KEYPOINTS.index("neck")
ANKLES = [KEYPOINTS.index("right_ankle"), KEYPOINTS.index("left_ankle")]
SIZE = (1768, 994)


@pytest.fixture(scope="module")
def estimator(engine: Engine) -> OpenPoseEstimator:
    return OpenPoseEstimator(engine, input_height=368, accurate_heights=(368, 736))


def scaled(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def assert_man_and_woman(people: People) -> None:
    keypoints, scores = people
    assert len(scores) == 2
    assert 1 >= scores[0] >= scores[1] > 0.3
    assert (np.count_nonzero(keypoints[..., 2], axis=1) >= 14).all()
    man, woman = sorted(keypoints, key=lambda person: float(person[NECK, 1]))
    for person, neck, feet in ((man, (722, 155), 425), (woman, (835, 598), 900)):
        assert np.abs(person[NECK, :2] - neck).max() < 15
        assert person[NOSE, 1] < person[NECK, 1]
        assert np.abs(person[ANKLES, 1] - feet).max() < 30


def test_finds_the_people_of_a_frame(estimator: OpenPoseEstimator, picture: Picture) -> None:
    (people,) = estimator.estimate([Frame(picture, SIZE)])
    assert_man_and_woman(people)


@pytest.mark.parametrize("size", [(654, 368), (960, 540)])
def test_keypoints_are_in_pixels_of_the_source(
    estimator: OpenPoseEstimator, picture: Picture, size: tuple[int, int]
) -> None:
    (people,) = estimator.estimate([Frame(scaled(picture, *size), SIZE)])
    assert_man_and_woman(people)


def test_accurate_frames_agree(estimator: OpenPoseEstimator, picture: Picture) -> None:
    small = scaled(picture, 1309, 736)
    (people,) = estimator.estimate([Frame(small, SIZE, accurate=True)])
    assert_man_and_woman(people)
    (plain,) = estimator.estimate([Frame(small, SIZE)])
    assert not np.array_equal(people.keypoints, plain.keypoints)


def test_mirrored_image_gives_mirrored_people(
    estimator: OpenPoseEstimator, picture: Picture
) -> None:
    """Accurate frames are processed mirrored, too, so the result is symmetric."""
    small = scaled(picture, 640, 360)
    sides = small, np.ascontiguousarray(small[:, ::-1])
    found = [estimator.estimate([Frame(side, (640, 360), accurate=True)])[0] for side in sides]
    twins = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16]
    there, back = (people.keypoints for people in found)
    back = back[:, twins]
    both = (there[..., 2] > 0) & (back[..., 2] > 0)
    assert np.count_nonzero(both) >= 30
    assert np.abs(there[..., 0] - (639 - back[..., 0]))[both].max() < 4
    assert np.abs(there[..., 1] - back[..., 1])[both].max() < 4


def test_max_people_keeps_the_best(estimator: OpenPoseEstimator, picture: Picture) -> None:
    small = scaled(picture, 654, 368)
    both, one = estimator.estimate([Frame(small, SIZE), Frame(small, SIZE, max_people=1)])
    assert len(both.scores) == 2
    assert np.array_equal(one.keypoints, both.keypoints[:1])
    assert np.array_equal(one.scores, both.scores[:1])


def test_frames_of_one_shape_share_a_call(estimator: OpenPoseEstimator, picture: Picture) -> None:
    """Even frames of different sizes, sources and numbers of people."""
    moved = np.roll(scaled(picture, 654, 368), 50, axis=1)
    nobody = np.zeros((184, 327, 3), np.uint8)
    frames = [Frame(picture, SIZE), Frame(nobody, (10, 10)), Frame(moved, (654, 368), 1)]
    assert len({estimator.shape(frame) for frame in frames}) == 1
    first, none, best = estimator.estimate(frames)
    assert_man_and_woman(first)
    assert (len(none.scores), len(best.scores)) == (0, 1)
    necks = first.keypoints[:, NECK, 0] * (654 / SIZE[0]) + 50
    assert np.abs(necks - best.keypoints[0, NECK, 0]).min() < 5
    assert estimator.estimate([]) == []


def test_shape_tells_which_frames_share_a_call(estimator: OpenPoseEstimator) -> None:
    plain = Frame(np.zeros((360, 640, 3), np.uint8), (640, 360))
    taller = Frame(np.zeros((400, 640, 3), np.uint8), (640, 400))
    accurate = Frame(plain.pixels, (640, 360), accurate=True)
    assert estimator.shape(plain) == (656, 368)
    assert len({estimator.shape(frame) for frame in (plain, taller, accurate)}) == 3


def test_concurrent_callers_do_not_interfere(
    estimator: OpenPoseEstimator, picture: Picture
) -> None:
    frames = [Frame(scaled(picture, *size), SIZE) for size in ((654, 368), (480, 270))]
    alone = [estimator.estimate([f])[0] for f in frames]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda f: estimator.estimate([f])[0], frames * 4))
    for got, expected in zip(together, alone * 4, strict=True):
        assert np.array_equal(got.keypoints, expected.keypoints)


@pytest.mark.parametrize("accurate", [False, True])
@pytest.mark.parametrize("size", [(8000, 200), (200, 8000), (16, 16), (1, 1)])
def test_blank_frames_of_odd_sizes_have_no_people(
    estimator: OpenPoseEstimator, size: tuple[int, int], accurate: bool
) -> None:
    grey = np.full((size[1], size[0], 3), 128, np.uint8)
    (people,) = estimator.estimate([Frame(grey, size, accurate=accurate)])
    assert people.keypoints.shape == (0, 18, 3)


@pytest.mark.parametrize("source", [(0, 10), (10, 0), (-1, 5)])
def test_sources_without_pixels_are_refused(
    estimator: OpenPoseEstimator, source: tuple[int, int]
) -> None:
    with pytest.raises(InvalidRequestError, match="must have pixels"):
        estimator.estimate([Frame(np.zeros((72, 128, 3), np.uint8), source)])


class Broken:
    """An engine that puts NaN into some or all values of its maps."""

    def __init__(self, engine: Engine, share: float) -> None:
        self.about = engine.about
        self._engine, self._share = engine, share

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        maps = self._engine.run(images)
        values = np.random.default_rng(0).choice([np.nan, np.inf, -np.inf, 1e30], maps.shape)
        where = np.random.default_rng(1).random(maps.shape) < self._share
        return np.where(where, values, maps).astype(np.float32)


@pytest.mark.parametrize("accurate", [False, True])
@pytest.mark.parametrize("share", [0.001, 0.3, 1.0])
def test_results_are_finite_even_if_maps_are_not(
    engine: Engine, picture: Picture, share: float, accurate: bool
) -> None:
    estimator = OpenPoseEstimator(
        Broken(engine, share),
        input_height=128,
        accurate_heights=(128, 192),
    )
    (people,) = estimator.estimate([Frame(scaled(picture, 320, 180), SIZE, accurate=accurate)])
    assert np.isfinite(people.keypoints).all()
    assert np.isfinite(people.scores).all()
    assert (people.keypoints[..., 0] <= SIZE[0] - 1).all()
    if share == 1:
        assert len(people.scores) == 0
