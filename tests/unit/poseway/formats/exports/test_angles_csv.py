import numpy as np
import pytest
from numpy.typing import NDArray

from poseway.formats.joint_angles import NAMES, angles
from poseway.skeleton import KEYPOINTS


def standing(**moved: tuple[float, float]) -> NDArray[np.float64]:
    """A person who stands upright with hanging arms, with some keypoints moved."""
    places = dict.fromkeys(KEYPOINTS, (100.0, 50.0))
    places["neck"] = (100, 100)
    for side, x in (("right", 80.0), ("left", 120.0)):
        for name, y in (("shoulder", 100), ("elbow", 160), ("wrist", 220)):
            places[f"{side}_{name}"] = (x, y)
        for name, y in (("hip", 220), ("knee", 320), ("ankle", 420)):
            places[f"{side}_{name}"] = (x, y)
    places |= moved
    return np.array([places[name] for name in KEYPOINTS], dtype=float)


def measured(places: NDArray[np.float64], aspect: float = 1.0) -> dict[str, float]:
    return dict(zip(NAMES, angles(places, aspect).tolist(), strict=True))


def test_joints_of_an_upright_person_are_straight() -> None:
    expected = dict.fromkeys(NAMES, 180.0) | {"left_shoulder": 0, "right_shoulder": 0, "trunk": 0}
    assert measured(standing()) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "moved", "degrees"),
    [
        ("left_elbow", {"left_wrist": (180, 160)}, 90),
        ("left_elbow", {"left_wrist": (60, 160)}, 90),
        ("right_elbow", {"right_wrist": (140, 100)}, 45),
        ("left_shoulder", {"left_elbow": (180, 100)}, 90),
        ("right_shoulder", {"right_elbow": (80, 40)}, 180),
        ("left_hip", {"left_knee": (220, 220)}, 90),
        ("right_hip", {"right_knee": (180, 120)}, 45),
        ("left_knee", {"left_ankle": (20, 420)}, 135),
        ("right_knee", {"right_ankle": (80, 220)}, 0),
        ("trunk", {"neck": (220, 220)}, 90),
        ("trunk", {"neck": (-20, 100)}, 45),
        ("trunk", {"neck": (100, 300)}, 180),
    ],
)
def test_each_angle_follows_its_keypoints(
    name: str, moved: dict[str, tuple[float, float]], degrees: float
) -> None:
    assert measured(standing(**moved))[name] == pytest.approx(degrees)


def test_pixels_are_made_square_first() -> None:
    bent = standing(left_wrist=(150, 220))  # 30 pixels of double width aside, 60 down
    assert measured(bent)["left_elbow"] == pytest.approx(180 - np.degrees(np.arctan2(30, 60)))
    assert measured(bent, 2.0)["left_elbow"] == pytest.approx(135)


def test_angle_is_missing_if_a_keypoint_is() -> None:
    nowhere = float("nan")
    found = measured(standing(left_hip=(nowhere, nowhere)))
    assert {name for name, value in found.items() if np.isnan(value)} == {
        "left_shoulder",
        "left_hip",
        "left_knee",
        "trunk",
    }


def test_coinciding_keypoints_have_no_angle() -> None:
    found = measured(standing(left_wrist=(120, 160), neck=(100, 220)))
    assert [name for name, value in found.items() if np.isnan(value)] == ["left_elbow", "trunk"]


def test_many_frames_at_once_give_the_angles_of_each() -> None:
    rng = np.random.default_rng(3)
    many = rng.uniform(0, 1000, (4, 5, 18, 2))
    at_once = angles(many, 1.5)
    assert at_once.shape == (4, 5, len(NAMES))
    np.testing.assert_array_equal(at_once[2, 3], angles(many[2, 3], 1.5))
    assert ((at_once >= 0) & (at_once <= 180)).all()
