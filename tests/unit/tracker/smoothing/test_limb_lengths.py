"""Heights from limb lengths, and impossible keypoints."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseway.skeleton import KEYPOINTS, LIMBS
from poseway_tracker.smoothing import limb_lengths
from tests.support.tracked_people import person

_HEIGHT = np.array([400.0])
_NAMES = {name: index for index, name in enumerate(KEYPOINTS)}
_ENDS = ("right_wrist", "left_wrist", "right_ankle", "left_ankle", "right_ear", "left_ear")


def _kept(pose: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[str]:
    kept = limb_lengths.possible(pose[None], _HEIGHT)[0]
    return [name for name, is_kept in zip(KEYPOINTS, kept, strict=True) if is_kept]


@pytest.mark.parametrize("height", [60.0, 200.0, 900.0])
def test_height_of_a_standing_person(height: float) -> None:
    assert limb_lengths.body_heights(person(300.0, height=height)[None])[0] == pytest.approx(
        height, rel=0.15
    )


@pytest.mark.parametrize("wrong", range(18))
def test_wrong_keypoint_hardly_changes_the_height(wrong: int) -> None:
    pose = person(300.0)
    right = limb_lengths.body_heights(pose[None])[0]
    pose[wrong, :2] += 5000.0
    assert limb_lengths.body_heights(pose[None])[0] == pytest.approx(right, rel=0.3)


def test_too_few_limbs_give_no_height() -> None:
    pose = person(300.0)
    pose[5:] = 0.0  # nose, neck and the right arm: four limbs
    assert limb_lengths.body_heights(pose[None])[0] > 0
    pose[0] = 0.0
    assert limb_lengths.body_heights(pose[None])[0] == 0


def test_keypoints_of_possible_bodies_are_kept() -> None:
    pose = person(300.0, height=400.0)
    assert len(_kept(pose)) == 18
    pose[:, 0] = 300.0  # from the side
    assert len(_kept(pose)) == 18


@pytest.mark.parametrize("end", _ENDS)
def test_keypoint_of_another_person_is_dropped(end: str) -> None:
    pose = person(300.0, height=400.0)
    pose[_NAMES[end], 0] += 300.0
    assert set(KEYPOINTS) - set(_kept(pose)) == {end}


def test_anchor_skips_a_dropped_keypoint() -> None:
    pose = person(300.0, height=400.0)
    pose[_NAMES["right_elbow"], 0] -= 300.0
    assert set(KEYPOINTS) - set(_kept(pose)) == {"right_elbow"}
    pose[_NAMES["right_wrist"], 0] -= 300.0
    assert set(KEYPOINTS) - set(_kept(pose)) == {"right_elbow", "right_wrist"}


def test_anchor_skips_an_undetected_keypoint() -> None:
    pose = person(300.0, height=400.0)
    pose[_NAMES["left_knee"]] = 0.0
    assert "left_ankle" in _kept(pose)
    pose[_NAMES["left_ankle"], 0] += 600.0
    assert "left_ankle" not in _kept(pose)


def test_neck_far_from_its_neighbours_is_dropped() -> None:
    pose = person(300.0, height=400.0)
    pose[_NAMES["neck"], 0] += 1000.0
    assert set(KEYPOINTS) - set(_kept(pose)) == {"neck"}


def test_without_a_height_everything_is_possible() -> None:
    pose = person(300.0)
    pose[4, :2] += 1e5
    assert limb_lengths.possible(pose[None], np.zeros(1)).all()


def test_every_limb_has_a_length() -> None:
    assert limb_lengths.LENGTHS.shape == (len(LIMBS),)
    assert sorted(limb for level in limb_lengths._LEVELS for limb in level) == list(
        range(len(LIMBS))
    )


@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1)),
        min_size=18,
        max_size=18,
    )
)
def test_only_detected_keypoints_are_kept_at_least_one_of_them(
    rows: list[tuple[float, ...]],
) -> None:
    pose = np.array(rows)[None]
    before = pose.copy()
    height = limb_lengths.body_heights(pose)
    kept = limb_lengths.possible(pose, height)
    assert np.isfinite(height).all()
    assert not (kept & (pose[..., 2] == 0)).any()
    assert kept.any() == (pose[..., 2] > 0).any()
    np.testing.assert_array_equal(pose, before)
