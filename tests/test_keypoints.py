import csv
import io
import json
import zipfile
from fractions import Fraction

import pytest

from poseway import keypoints
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


@pytest.fixture
def lines() -> list[bytes]:
    base = Fraction(1, 30000)
    head = keypoints.header(1920, 1080, base, Fraction(30000, 1001))
    return [head, *(keypoints.line(f, base) for f in (frame(0, 1, 2), frame(1), frame(2, 2)))]


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
