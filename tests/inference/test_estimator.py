"""Pose estimation as a whole, with the real network on a frame of a real video."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.errors import InvalidRequestError
from poseway.skeleton import KEYPOINTS
from services.inference.decoder import People
from services.inference.engine import TensorFlowEngine
from services.inference.estimator import PoseEstimator

Frame = NDArray[np.uint8]
NOSE, NECK = KEYPOINTS.index("nose"), KEYPOINTS.index("neck")
ANKLES = [KEYPOINTS.index("right_ankle"), KEYPOINTS.index("left_ankle")]


@pytest.fixture(scope="module")
def frame(sample: Path) -> Frame:
    """1768 x 994 pixels: a man on a roof, and below him a woman on the grass."""
    video = cv2.VideoCapture(str(sample))
    video.set(cv2.CAP_PROP_POS_FRAMES, 120)
    found, frame = video.read()
    video.release()
    assert found
    return np.asarray(frame, np.uint8)


@pytest.fixture(scope="module")
def estimator(engine: TensorFlowEngine) -> PoseEstimator:
    return PoseEstimator(engine)


def scaled(frame: Frame, width: int, height: int) -> Frame:
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


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


def test_the_people_of_a_frame(estimator: PoseEstimator, frame: Frame) -> None:
    (people,) = estimator.estimate([frame])
    assert_man_and_woman(people)


@pytest.mark.parametrize("size", [(654, 368), (960, 540)])
def test_scaled_frames_give_source_pixels(
    estimator: PoseEstimator, frame: Frame, size: tuple[int, int]
) -> None:
    (people,) = estimator.estimate([scaled(frame, *size)], (1768, 994))
    assert_man_and_woman(people)


def test_only_the_best(estimator: PoseEstimator, frame: Frame) -> None:
    small = scaled(frame, 654, 368)
    ((keypoints, scores),) = estimator.estimate([small])
    ((best, best_scores),) = estimator.estimate([small], max_people=1)
    assert np.array_equal(best, keypoints[:1])
    assert np.array_equal(best_scores, scores[:1])


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_batches_keep_their_order(
    estimator: PoseEstimator, frame: Frame, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TensorFlowEngine, "batch_size", batch_size)
    small = scaled(frame, 654, 368)
    frames = [small, np.zeros_like(small), np.roll(small, 50, axis=1)]
    first, nobody, moved = estimator.estimate(frames)
    assert (len(first.scores), len(nobody.scores), len(moved.scores)) == (2, 0, 2)
    distances = moved.keypoints[:, None, NECK, 0] - first.keypoints[None, :, NECK, 0] - 50
    assert (np.abs(distances).min(axis=0) < 5).all()
    assert estimator.estimate([]) == []


def test_callers_do_not_disturb_each_other(estimator: PoseEstimator, frame: Frame) -> None:
    frames = [scaled(frame, 654, 368), scaled(frame, 480, 270)]
    alone = [estimator.estimate([f])[0] for f in frames]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda f: estimator.estimate([f])[0], frames * 4))
    for got, expected in zip(together, alone * 4, strict=True):
        assert np.array_equal(got.keypoints, expected.keypoints)


@pytest.mark.parametrize("size", [(8000, 200), (200, 8000), (16, 16), (1, 1)])
def test_odd_frames_hold_nobody(estimator: PoseEstimator, size: tuple[int, int]) -> None:
    (people,) = estimator.estimate([np.full((size[1], size[0], 3), 128, np.uint8)])
    assert people.keypoints.shape == (0, 18, 3)


def test_frames_of_several_sizes_are_refused(estimator: PoseEstimator) -> None:
    frames = [np.zeros((72, 128, 3), np.uint8), np.zeros((72, 96, 3), np.uint8)]
    with pytest.raises(InvalidRequestError, match="one size"):
        estimator.estimate(frames)
