"""The decoder on drawn maps, for which the right answer is known."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from poseway_inference.families.openpose.decoder import CHANNELS, _choose_limbs, decode
from tests.support.drawn_maps import STANDING, at, draw

Array = NDArray[np.float32]


def assert_found(maps: Array, *people: Array, within: float = 0.1) -> None:
    """Asserts that each person is found once and completely, and no one else."""
    found = decode(maps)
    assert len(found.keypoints) == len(people)
    for person in people:
        distances = np.abs(found.keypoints[:, :, :2] - person).max(axis=(1, 2))
        assert distances.min() < within


@given(st.floats(0, 1), st.floats(0, 1))
def test_peaks_have_subcell_precision(dx: float, dy: float) -> None:
    person = at(20 + dx, 8 + dy)
    assert_found(draw(person), person)


def test_two_people_side_by_side_and_touching() -> None:
    left, right = at(20, 8), at(26.5, 8.4)
    assert_found(draw(left, right), left, right, within=0.3)


def test_two_people_crossing() -> None:
    """Their trunks form an X; in its middle each field is half the other person's."""
    lean = np.array([[1, 0], [0.45, 1]], np.float32)
    right = STANDING @ lean + np.array([24, 9], np.float32)
    left = STANDING @ (lean * np.array([[1, 1], [-1, 1]], np.float32)) + np.array(
        [31.2, 11], np.float32
    )
    assert_found(draw(left, right), left, right, within=0.3)


def test_people_of_a_crowd_are_separated() -> None:
    people = [at(4 + 8 * i, 3 + 14 * j, 0.5) for i in range(10) for j in range(3)]
    assert_found(draw(*people, height=0.8), *people, within=0.4)


def test_people_are_sorted_and_scores_in_0_to_1() -> None:
    maps = np.maximum(draw(at(20, 8), height=0.4), draw(at(50, 8), height=0.95))
    maps[..., 19:] = draw(at(20, 8), height=0.4)[..., 19:] + draw(at(50, 8))[..., 19:]
    found = decode(maps)
    assert found.keypoints.dtype == found.scores.dtype == np.float32
    assert found.keypoints.shape == (2, 18, 3)
    assert 0 < found.scores[1] < found.scores[0] <= 1
    assert abs(found.keypoints[0, 0, 0] - 50) < 0.1
    assert ((found.keypoints[..., 2] > 0) & (found.keypoints[..., 2] <= 1)).all()


def test_more_complete_person_ranks_higher() -> None:
    legs = (8, 9, 10, 11, 12, 13)
    maps = draw(at(20, 8), missing=legs) + draw(at(50, 8))
    assert abs(decode(maps).keypoints[0, 0, 0] - 50) < 0.1


def test_undetected_keypoints_are_exactly_zero() -> None:
    found = decode(draw(at(20, 8), missing=(4, 10)))
    assert not found.keypoints[0, [4, 10]].any()
    assert found.keypoints[0, :, 2].astype(bool).sum() == 16


def test_ears_attach_to_shoulders_from_behind() -> None:
    found = decode(draw(at(20, 8), missing=(0, 14, 15)))
    assert len(found.keypoints) == 1
    assert np.nonzero(found.keypoints[0, :, 2] == 0)[0].tolist() == [0, 14, 15]


def test_person_has_one_ear_per_side() -> None:
    """A second right ear at the shoulder is dropped, because the right eye has one already."""
    person = at(20, 8)
    maps = draw(person)
    other = person.copy()
    other[16] = person[16] + [-4, 0]
    ear = draw(other, height=0.7)
    maps[..., 16] = np.maximum(maps[..., 16], ear[..., 16])
    maps[..., 19 + 18 : 21 + 18] = ear[..., 19 + 18 : 21 + 18]
    assert_found(maps, person)


def test_ear_attached_to_an_eye_is_not_given_to_another_shoulder() -> None:
    owner, other = at(20, 8), at(31, 8)
    maps = np.maximum(draw(owner), draw(other, missing=(16,)))
    maps[..., 19:] = draw(owner, other, missing=(16,))[..., 19:]
    maps[..., 19 + 34 : 21 + 34] = draw(owner)[..., 19 + 34 : 21 + 34]
    other[16] = owner[16]
    maps[..., 19 + 18 : 21 + 18] = draw(other)[..., 19 + 18 : 21 + 18]
    found = decode(maps)
    ears = {round(float(person[0, 0])): bool(person[16, 2]) for person in found.keypoints}
    assert ears == {20: True, 31: False}


def test_people_that_are_incomplete_or_faint_are_dropped() -> None:
    rest = tuple(range(3, 18))
    assert len(decode(draw(at(20, 8), missing=rest)).scores) == 0
    assert len(decode(draw(at(20, 8), height=0.05)).scores) == 0


def test_equal_neighbours_form_one_peak() -> None:
    """Low precision makes neighbours equal: two cells, and four."""
    for x, y in ((20.5, 8), (20, 8.5), (20.5, 8.5)):
        maps = draw(at(x, y))
        maps = np.round(maps * 16) / np.float32(16)
        assert_found(maps, at(x, y), within=0.6)


def test_people_at_the_border_stay_on_the_map() -> None:
    person = at(0, 0) + np.array([0.2, 0.3], np.float32)
    keypoints = decode(draw(person)).keypoints
    assert len(keypoints) == 1
    assert (keypoints[..., :2] >= 0).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 2), (46, 82)])
def test_empty_maps_have_no_people(size: tuple[int, int]) -> None:
    found = decode(np.zeros((*size, CHANNELS), np.float32))
    assert found.keypoints.shape == (0, 18, 3)
    assert found.scores.shape == (0,)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, -1e38])
def test_implausible_values_count_as_zero(value: float) -> None:
    maps = draw(at(20, 8))
    bad = np.random.default_rng(0).random(maps.shape) < 0.05
    broken, zeroed = maps.copy(), maps.copy()
    broken[bad], zeroed[bad] = value, 0
    for got, expected in zip(decode(broken), decode(zeroed), strict=True):
        assert np.array_equal(got, expected)
    assert len(decode(np.full_like(maps, value)).scores) == 0


@pytest.mark.parametrize("noise", ["uniform", "normal", "ones", "checkerboard"])
def test_noise_takes_bounded_time_and_gives_bounded_results(noise: str) -> None:
    generator = np.random.default_rng(0)
    shape = (46, 184, CHANNELS)
    maps: Any = {
        "uniform": generator.random(shape),
        "normal": generator.normal(size=shape),
        "ones": np.ones(shape),
        "checkerboard": np.indices(shape).sum(axis=0) % 2,
    }[noise]
    start = time.thread_time()
    found = decode(maps.astype(np.float32))
    assert time.thread_time() - start < 2
    assert len(found.scores) <= 18 * 64 // 4
    assert np.isfinite(found.keypoints).all()
    assert np.isfinite(found.scores).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.sampled_from((2, 1000)))
def test_limbs_are_chosen_greedily(seed: int, most: int, levels: int) -> None:
    """Compares with a plain loop; few score levels make many limbs equal."""
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, levels, (19, most, most)).astype(np.float32)
    distinct = levels > 2
    if distinct:
        scores += generator.permutation(scores.size).reshape(scores.shape) / np.float32(scores.size)

    greedy: set[tuple[Any, ...]] = set()
    for limb, i, j in zip(
        *np.unravel_index(np.argsort(-scores, axis=None), scores.shape), strict=True
    ):
        taken = any(a == limb and (b == i or c == j) for a, b, c in greedy)
        if scores[limb, i, j] > 0 and not taken:
            greedy.add((limb, i, j))

    chosen = set(zip(*_choose_limbs(scores), strict=True))
    if distinct:
        assert chosen == greedy
    left = scores.copy()
    for limb, i, j in chosen:
        assert left[limb, i, j] > 0  # neither end was used before
        left[limb, i, :] = left[limb, :, j] = 0
    assert not left.any()
