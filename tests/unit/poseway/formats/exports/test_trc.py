"""`trc.zip`, read by trc-data-reader, and by pandas in the way of Pose2Sim."""

import io
import zipfile
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trc import TRCData

from poseway.formats import exports
from poseway.formats.exports import trc
from poseway.formats.tracks import Span
from poseway.skeleton import KEYPOINTS
from tests.support.walk import best, records, source, walk


def convert(file: bytes) -> zipfile.ZipFile:
    data = b"".join(exports.to_trc(source(file, "a walk")))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return archive


def expected(file: bytes, track: int, first: int, last: int) -> np.ndarray:
    """x, y, z of each keypoint in each frame."""
    places = np.full((last + 1 - first, 18, 3), np.nan)
    for frame, person in records(file):
        if person["id"] == track:
            row = places[frame["frame"] - first]
            row[:, :2] = best(person)
            row[~np.isnan(row[:, 0]), 2] = 0
    return places


@pytest.mark.parametrize("smoothed", [False, True])
def test_trc_data_reader_reads_a_file_per_person(tmp_path: Path, smoothed: bool) -> None:
    file = walk(smoothed=smoothed)
    archive = convert(file)
    assert archive.namelist() == ["a walk_person_001.trc", "a walk_person_002.trc"]
    for track, (first, last) in {1: (0, 5), 2: (1, 8)}.items():
        name = f"a walk_person_{track:03d}.trc"
        data = TRCData()
        data.load(archive.extract(name, tmp_path))
        assert data["FileName"] == name
        assert data["Markers"] == list(KEYPOINTS)
        assert (data["NumFrames"], data["NumMarkers"]) == (last + 1 - first, 18)
        assert (data["Units"], data["OrigDataStartFrame"]) == ("px", first)
        assert data["DataRate"] == pytest.approx(30000 / 1001, rel=1e-12)
        assert data["Frame#"] == list(range(first, last + 1))
        times = np.arange(first, last + 1) * 1001 / 30000
        np.testing.assert_allclose(data["Time"], times, atol=5e-7)
        places = np.stack([data[name] for name in KEYPOINTS], axis=1)
        np.testing.assert_array_equal(places, expected(file, track, first, last))


def test_pandas_reads_trc_as_pose2sim_does() -> None:
    file = walk(smoothed=True)
    with convert(file).open("a walk_person_002.trc") as text:
        table = pd.read_csv(text, sep="\t", skiprows=4)
    assert table.shape == (8, 2 + 54)
    assert list(table)[2:5] == ["X1", "Y1", "Z1"]
    places = table.to_numpy()[:, 2:].reshape(-1, 18, 3)
    np.testing.assert_array_equal(places, expected(file, 2, 1, 8))


def test_files_do_not_depend_on_how_passes_are_shared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(5)
    spans: dict[int, list[Span]] = {
        track: [(int(first), int(first) + 7 * track)]
        for track, first in enumerate(rng.integers(0, 200, 12), 1)
    }
    file = walk(smoothed=True, frames=300, spans=spans)
    together = convert(file)
    monkeypatch.setattr(trc, "_MARK_FRAMES", 10)
    for rows in (0, 50, 200):
        monkeypatch.setattr(trc, "_MAX_ROWS_ASIDE", rows)
        apart = convert(file)
        assert apart.namelist() == together.namelist()
        assert len(apart.namelist()) == len(spans)
        for name in together.namelist():
            assert apart.read(name) == together.read(name)


def test_video_without_people_is_an_empty_zip() -> None:
    assert convert(walk(smoothed=False, spans={})).namelist() == []


def test_closing_the_zip_closes_the_source() -> None:
    spans: dict[int, list[Span]] = {track: [(0, 2999)] for track in (1, 2)}
    file = walk(smoothed=True, frames=3000, spans=spans)
    opened, closed = [], []

    def read(start: int) -> Generator[bytes]:
        opened.append(start)
        try:
            for at in range(start, len(file), 1000):
                yield file[at : at + 1000]
        finally:
            closed.append(start)

    content = exports.to_trc(exports.Source("walk", read))
    next(content)
    assert len(opened) == len(closed) + 1
    content.close()
    assert opened == closed
