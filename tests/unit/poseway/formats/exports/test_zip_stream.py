"""Streamed zips and `openpose.zip`, read by `zipfile`."""

import io
import json
import zipfile
from pathlib import Path

from poseway.formats import exports
from poseway.formats.exports.zip_stream import ZipStream
from tests.support.walk import FRAMES, records, source, walk


def openpose(*, smoothed: bool) -> tuple[bytes, zipfile.ZipFile]:
    file = walk(smoothed=smoothed)
    data = b"".join(exports.to_openpose(source(file, "wälk")))
    return file, zipfile.ZipFile(io.BytesIO(data))


def test_zipfile_reads_names_and_contents() -> None:
    files = {"empty": b"", "ünï.txt": "çödé".encode(), "folder/large": bytes(range(256)) * 5000}
    stream = ZipStream()
    data = bytearray()
    for name, content in files.items():
        for piece in stream.file(name, [content[:1000], content[1000:]]):
            data += piece
    data += b"".join(stream.end())
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == files
    assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_zip64_holds_more_than_65535_files() -> None:
    stream = ZipStream()
    data = bytearray()
    for number in range(65_600):
        for piece in stream.file(f"{number:06d}", [b"x"]):
            data += piece
    for piece in stream.end():
        data += piece
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert len(archive.namelist()) == 65_600
    assert archive.read("065599") == b"x"


def test_a_file_beyond_four_gigabytes(tmp_path: Path) -> None:
    far = (4 << 30) + 12_345
    stream = ZipStream()
    stream._offset = far  # as if as much had been written
    path = tmp_path / "far.zip"
    with path.open("wb") as file:
        file.seek(far)  # a hole, which takes no room on the disk
        for piece in (*stream.file("far.txt", [b"found"]), *stream.end()):
            file.write(piece)
    with zipfile.ZipFile(path) as archive:
        assert archive.infolist()[0].header_offset == far
        assert archive.read("far.txt") == b"found"


def test_openpose_has_a_file_per_frame_with_all_its_fields() -> None:
    file, archive = openpose(smoothed=False)
    assert archive.testzip() is None
    assert archive.namelist() == [f"wälk_{i:012d}_keypoints.json" for i in range(FRAMES)]
    contents = [json.loads(archive.read(name)) for name in archive.namelist()]
    assert {content["version"] for content in contents} == {1.3}
    assert contents[-1]["people"] == []
    people = [person for content in contents for person in content["people"]]
    for found, (_, person) in zip(people, records(file), strict=True):
        assert found["person_id"] == [person["id"]]
        assert found["pose_keypoints_2d"] == person["keypoints"]
        empty = {"face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d"}
        empty |= {name.replace("2d", "3d") for name in empty} | {"pose_keypoints_3d"}
        assert {name for name, value in found.items() if value == []} == empty


def test_openpose_has_smoothed_positions_of_seen_keypoints() -> None:
    file, archive = openpose(smoothed=True)
    frames = {frame["frame"]: frame for frame, _ in records(file)}
    filled = 0
    for index, frame in frames.items():
        content = json.loads(archive.read(f"wälk_{index:012d}_keypoints.json"))
        for found, person in zip(content["people"], frame["people"], strict=True):
            expected = list(person["smoothed"])
            for gap in person["filled"]:
                expected[3 * gap : 3 * gap + 3] = [0, 0, 0]
                filled += 1
            assert found["pose_keypoints_2d"] == expected
    assert filled
