"""Which frame of a person is kept as a still."""

import pytest

from poseway.skeleton import KEYPOINTS
from poseway.v1 import pose_pb2
from poseway_gateway.dispatcher.frames.stills import best, lasting, over_all

WIDTH, HEIGHT = 640, 480


def person(
    track: int,
    x: float = 300,
    y: float = 100,
    size: float = 100,
    seen: int = 18,
    score: float = 0.8,
) -> pose_pb2.TrackedPose:
    """A person whose keypoints lie on a diagonal from (x, y) to (x + size, y + size)."""
    step = size / (len(KEYPOINTS) - 1)
    numbers: list[float] = []
    for index in range(len(KEYPOINTS)):
        place = [x + index * step, y + index * step, score]
        numbers += place if index < seen else [0, 0, 0]
    return pose_pb2.TrackedPose(track_id=track, pose=pose_pb2.Pose(keypoints=numbers))


def frames(*moments: list[pose_pb2.TrackedPose], start: int = 0) -> list[pose_pb2.TrackedFrame]:
    return [
        pose_pb2.TrackedFrame(frame_index=index, people=people)
        for index, people in enumerate(moments, start)
    ]


@pytest.mark.parametrize(
    "better",
    [person(1, score=0.9), person(1, size=120)],
    ids=["sure", "large"],
)
def test_better_view_wins(better: pose_pb2.TrackedPose) -> None:
    assert best(frames([person(1)], [better], [person(1)]), WIDTH, HEIGHT)[1][0] == 1


@pytest.mark.parametrize(
    "worse",
    [person(1, seen=12), person(1, x=2), person(1, x=WIDTH - 104), person(1, y=HEIGHT - 103)],
    ids=["in part", "left", "right", "below"],
)
def test_partial_or_cut_off_view_loses(worse: pose_pb2.TrackedPose) -> None:
    assert best(frames([worse], [person(1)], [worse]), WIDTH, HEIGHT)[1][0] == 1


def test_earliest_of_equal_frames_wins_per_person() -> None:
    found = best(frames([], [person(3)], [person(2), person(3)], start=10), WIDTH, HEIGHT)
    assert {track: index for track, (index, _) in found.items()} == {3: 11, 2: 12}


def test_quality_is_scores_times_size() -> None:
    (_, quality) = best(frames([person(1)]), WIDTH, HEIGHT)[1]
    assert quality == pytest.approx(18 * 0.8 * 100 * 2**0.5 / 800, rel=1e-5)


def test_person_without_visible_keypoints_has_no_still() -> None:
    assert best(frames([person(1, seen=0)]), WIDTH, HEIGHT) == {}
    assert best(frames([], []), WIDTH, HEIGHT) == {}


def test_best_of_all_segments_and_earliest_of_equals() -> None:
    segments = [{1: (3, 0.5), 2: (4, 0.7)}, {}, {1: (70, 0.6), 2: (71, 0.7)}]
    assert over_all(segments) == {1: (2, (70, 0.6)), 2: (0, (4, 0.7))}


@pytest.mark.parametrize(
    ("seen", "frames", "kept"),
    [(15, 900, True), (14, 900, False), (1, 1, True), (3, 5, True), (2, 5, False)],
)
def test_short_tracks_get_no_still_except_in_a_short_video(
    seen: int, frames: int, kept: bool
) -> None:
    assert lasting(seen / 30, frames / 30) is kept
