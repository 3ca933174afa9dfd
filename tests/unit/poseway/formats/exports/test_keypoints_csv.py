"""`keypoints.csv` and `angles.csv`, read by pandas."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from poseway.formats import exports, joint_angles
from poseway.formats.exports.format import Convert
from poseway.skeleton import KEYPOINTS
from tests.support.walk import best, records, source, walk


def read(convert: Convert, file: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(b"".join(convert(source(file)))))


def columns(*parts: str) -> list[str]:
    return [f"{name}_{part}" for name in KEYPOINTS for part in parts]


@pytest.mark.parametrize("smoothed", [False, True])
def test_pandas_reads_the_raw_keypoints(smoothed: bool) -> None:
    file = walk(smoothed=smoothed)
    table = read(exports.to_csv, file)
    expected = [
        [frame["frame"], frame["time"], person["id"], person["score"], *person["keypoints"]]
        for frame, person in records(file)
    ]
    names = ["frame", "time", "id", "score", *columns("x", "y", "score")]
    assert list(table)[: len(names)] == names
    assert len(table.columns) == len(names) + (54 if smoothed else 0)
    np.testing.assert_array_equal(table[names].to_numpy(), expected)


def test_pandas_reads_smoothed_and_filled_keypoints() -> None:
    file = walk(smoothed=True)
    table = read(exports.to_csv, file)
    places = table[columns("smooth_x", "smooth_y")].to_numpy().reshape(-1, 18, 2)
    np.testing.assert_array_equal(places, [best(person) for _, person in records(file)])
    filled = [[i in person["filled"] for i in range(18)] for _, person in records(file)]
    np.testing.assert_array_equal(table[columns("filled")].to_numpy(), filled)
    assert np.any(filled)
    assert np.isnan(places).any()


def test_a_person_without_smoothed_keypoints_has_empty_cells() -> None:
    first, second, *_ = walk(smoothed=True).splitlines()
    frame = json.loads(second)
    for person in frame["people"]:
        del person["smoothed"], person["filled"]
    table = read(exports.to_csv, first + b"\n" + json.dumps(frame).encode())
    assert table[columns("smooth_x", "smooth_y")].isna().all(axis=None)
    assert not table[columns("filled")].any(axis=None)


def test_file_of_an_older_version_is_neither_smoothed_nor_stretched() -> None:
    _, *lines = walk(smoothed=False).splitlines()
    file = b'{"format":"poseway-keypoints","version":1}\n' + b"\n".join(lines)
    assert len(read(exports.to_csv, file).columns) == 4 + 54
    assert read(exports.to_angles, file).equals(read(exports.to_angles, walk(smoothed=False)))


@pytest.mark.parametrize("smoothed", [False, True])
@pytest.mark.parametrize("aspect", ["1", "16/11"])
def test_pandas_reads_the_angles(smoothed: bool, aspect: str) -> None:
    file = walk(smoothed=smoothed).replace(
        b'"pixel_aspect":"1"', f'"pixel_aspect":"{aspect}"'.encode()
    )
    table = read(exports.to_angles, file)
    assert list(table) == ["frame", "time", "id", *joint_angles.NAMES]
    expected = records(file)
    keys = [[frame["frame"], frame["time"], person["id"]] for frame, person in expected]
    np.testing.assert_array_equal(table[["frame", "time", "id"]].to_numpy(), keys)
    ratio = 16 / 11 if aspect != "1" else 1
    degrees = joint_angles.angles(np.array([best(person) for _, person in expected]), ratio)
    np.testing.assert_allclose(table[list(joint_angles.NAMES)].to_numpy(), degrees, atol=0.0051)
    assert np.isnan(degrees).any()
    # Cells are empty, as documented: not every reader knows NaN.
    assert b"nan" not in b"".join(exports.to_angles(source(file))).lower()


def test_video_without_people_is_a_table_without_rows() -> None:
    file = walk(smoothed=True, spans={})
    for convert in (exports.to_csv, exports.to_angles):
        assert read(convert, file).empty
