import json
from fractions import Fraction

import pytest

from poseway.formats import keypoints
from poseway.jobs import Smoothing
from poseway.v1 import pose_pb2


def frame(index: int, *ids: int) -> pose_pb2.TrackedFrame:
    people = [
        pose_pb2.TrackedPose(
            track_id=track,
            pose=pose_pb2.Pose(keypoints=[track + n / 7 for n in range(54)], score=0.5),
        )
        for track in ids
    ]
    return pose_pb2.TrackedFrame(frame_index=index, pts=index * 1001, people=people)


def header(smoothing: Smoothing = Smoothing.OFF) -> bytes:
    return keypoints.header(1920, 1080, Fraction(1, 30000), Fraction(30000, 1001), smoothing)


def smoothed() -> list[bytes]:
    """A file in which one person is smoothed; the nose is filled, the neck dropped."""
    one = frame(0, 1)
    numbers = [value + 0.25 for value in one.people[0].pose.keypoints]
    numbers[:6] = [7.123, 8, 0, 0, 0, 0]
    one.people[0].pose.keypoints[:3] = [0, 0, 0]
    one.people[0].smoothed.MergeFrom(pose_pb2.SmoothedPose(keypoints=numbers, filled=[0]))
    one.untracked.append(pose_pb2.Pose(keypoints=range(54), score=0.1234))
    return [header(Smoothing.LIGHT), keypoints.line(one, Fraction(1, 30000))]


@pytest.fixture
def lines() -> list[bytes]:
    base = Fraction(1, 30000)
    return [header(), *(keypoints.line(f, base) for f in (frame(0, 1, 2), frame(1), frame(2, 2)))]


def test_every_line_is_json_and_frames_carry_exact_times(lines: list[bytes]) -> None:
    head, first, second, third = map(json.loads, lines)
    assert head["format"] == "poseway-keypoints"
    assert head["frame_rate"] == "30000/1001"
    assert len(head["keypoints"]) == 18
    assert [r["pts"] for r in (first, second, third)] == [0, 1001, 2002]
    assert third["time"] == pytest.approx(2 * 1001 / 30000, abs=1e-6)
    assert second["people"] == []
    assert first["people"][1]["id"] == 2
    assert first["people"][1]["keypoints"][0:3] == [2.0, 2.14, 2.286]


def test_raw_keypoints_are_kept_beside_smoothed_ones() -> None:
    head, record = map(json.loads, smoothed())
    assert head["smoothing"] == "light"
    [person] = record["people"]
    assert person["keypoints"][:6] == [0, 0, 0, 1.43, 1.57, 1.714]
    assert person["smoothed"][:8] == [7.12, 8, 0, 0, 0, 0, 2.11, 2.25]
    assert person["filled"] == [0]
    assert record["untracked"] == [{"score": 0.123, "keypoints": list(range(54))}]


def test_unsmoothed_people_have_no_smoothed_fields(lines: list[bytes]) -> None:
    assert json.loads(lines[0])["smoothing"] == "off"
    record = json.loads(lines[1])
    assert set(record) == {"frame", "pts", "time", "people"}
    assert set(record["people"][0]) == {"id", "score", "keypoints"}


def test_chunks_of_any_size_give_the_same_lines(lines: list[bytes]) -> None:
    data = b"".join(lines)
    for size in (1, 7, 4096):
        chunks = (data[i : i + size] for i in range(0, len(data), size))
        assert [text + b"\n" for text in keypoints.split_lines(chunks)] == lines


def test_reading_gives_the_header_and_then_the_frames(lines: list[bytes]) -> None:
    head, frames = keypoints.read(lines)
    assert head == json.loads(lines[0])
    assert list(frames) == list(map(json.loads, lines[1:]))
    assert list(keypoints.read_frames(lines[1:])) == list(map(json.loads, lines[1:]))


def test_header_has_the_pixel_aspect() -> None:
    assert json.loads(header())["pixel_aspect"] == "1"
    wide = keypoints.header(
        720, 576, Fraction(1, 25), Fraction(25), Smoothing.OFF, Fraction(16, 11)
    )
    assert json.loads(wide)["pixel_aspect"] == "16/11"
