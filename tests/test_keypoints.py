import csv
import io
import json
import zipfile
from fractions import Fraction

import pytest

from poseway import keypoints
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


def test_without_smoothing_a_person_has_no_fields_of_it(lines: list[bytes]) -> None:
    assert json.loads(lines[0])["smoothing"] == "off"
    record = json.loads(lines[1])
    assert set(record) == {"frame", "pts", "time", "people"}
    assert set(record["people"][0]) == {"id", "score", "keypoints"}


def test_chunks_of_any_size_give_the_same_lines(lines: list[bytes]) -> None:
    data = b"".join(lines)
    for size in (1, 7, 4096):
        chunks = (data[i : i + size] for i in range(0, len(data), size))
        assert [text + b"\n" for text in keypoints.split_lines(chunks)] == lines


def test_csv_has_a_row_per_person_and_frame(lines: list[bytes]) -> None:
    text = b"".join(keypoints.to_csv(lines)).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["frame"], row["id"]) for row in rows] == [("0", "1"), ("0", "2"), ("2", "2")]
    assert rows[2]["nose_x"] == "2.0"
    assert rows[2]["left_ear_score"] == str(round(2 + 53 / 7, 3))


def test_csv_tells_what_is_smoothed_filled_and_neither() -> None:
    text = b"".join(keypoints.to_csv(smoothed())).decode()
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert len(row) == 4 + 2 * 54
    assert list(row)[4 + 53 : 4 + 56] == ["left_ear_score", "nose_smooth_x", "nose_smooth_y"]
    assert [row[f"nose_{part}"] for part in ("x", "smooth_x", "smooth_y", "filled")] == [
        "0.0",
        "7.12",
        "8.0",
        "1",
    ]
    assert [row[f"neck_{part}"] for part in ("x", "smooth_x", "smooth_y", "filled")] == [
        "1.43",
        "",
        "",
        "0",
    ]
    assert row["right_shoulder_smooth_x"] == "2.11"
    assert row["right_shoulder_filled"] == "0"


@pytest.mark.parametrize("head", [header(), b'{"format":"poseway-keypoints","version":1}\n'])
def test_csv_of_a_file_without_smoothing_has_raw_columns_only(
    head: bytes, lines: list[bytes]
) -> None:
    first = next(keypoints.to_csv([head, *lines[1:]])).splitlines()[0].decode()
    assert first.count(",") == 3 + 54
    assert "smooth" not in first


def test_openpose_zip_has_smoothed_places_of_what_was_seen() -> None:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(keypoints.to_openpose(smoothed(), "walk"))))
    [person] = json.loads(archive.read(archive.namelist()[0]))["people"]
    assert person["person_id"] == [1]
    assert person["pose_keypoints_2d"][:8] == [0, 0, 0, 0, 0, 0, 2.11, 2.25]


def test_openpose_zip_has_a_file_per_frame(lines: list[bytes]) -> None:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(keypoints.to_openpose(lines, "walk"))))
    assert archive.testzip() is None
    assert archive.namelist() == [f"walk_{i:012d}_keypoints.json" for i in range(3)]
    first = json.loads(archive.read(archive.namelist()[0]))
    assert first["version"] == 1.3
    assert [person["person_id"] for person in first["people"]] == [[1], [2]]
    assert len(first["people"][0]["pose_keypoints_2d"]) == 54
    assert json.loads(archive.read(archive.namelist()[1]))["people"] == []


def test_conversions_come_in_blocks() -> None:
    base = Fraction(1, 30)
    empty = [keypoints.line(frame(i), base) for i in range(3000)]
    assert len(list(keypoints.to_csv(empty))) == 1
    crowded = [keypoints.line(frame(i, 1, 2), base) for i in range(3000)]
    for blocks in (list(keypoints.to_csv(crowded)), list(keypoints.to_openpose(crowded, "walk"))):
        assert 3 <= len(blocks) < 30
        assert all(len(block) >= 1 << 18 for block in blocks[:-1])
        assert all(len(block) < (1 << 18) + 10_000 for block in blocks[:-1])
