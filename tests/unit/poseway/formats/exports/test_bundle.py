"""`all.zip`: a whole result in one file."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from poseway.formats.exports import FORMATS, Source, to_bundle
from poseway.formats.exports.zip_stream import ZipStream
from tests.support.walk import source, walk


def noise(size: int) -> bytes:
    return np.random.default_rng(1).bytes(size)


RESULT = {
    "manifest.json": b"{}",
    "keypoints.jsonl": walk(smoothed=True),
    "video.mp4": noise(300_000),
    "stills/person_001.jpg": b"still",
}


def test_zip_has_every_file_and_the_bundled_formats() -> None:
    closed: list[str] = []

    def read(name: str) -> Generator[bytes]:
        try:
            for start in range(0, len(RESULT[name]), 1000):
                yield RESULT[name][start : start + 1000]
        finally:
            closed.append(name)

    sizes = [(name, len(data)) for name, data in RESULT.items()]
    keypoints = Source("wälk", lambda _: read("keypoints.jsonl"))
    data = b"".join(to_bundle(sizes, read, keypoints, FORMATS))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    made = {
        made.file: b"".join(made.convert(source(RESULT["keypoints.jsonl"])))
        for made in FORMATS
        if made.in_bundle
    }
    assert set(made) >= {"keypoints.csv", "angles.csv", "coco.json"}
    assert {name: archive.read(name) for name in archive.namelist()} == {
        f"wälk/{name}": content for name, content in (RESULT | made).items()
    }
    assert len(closed) == len(RESULT) + len(made)
    video = archive.getinfo("wälk/video.mp4")
    assert 300_000 < video.compress_size < 300_200
    lines = archive.getinfo("wälk/keypoints.jsonl")
    assert lines.compress_size < lines.file_size / 2


def test_closing_the_zip_closes_the_file_being_read() -> None:
    closed: list[str] = []

    def read(name: str) -> Generator[bytes]:
        try:
            while True:
                yield bytes(1000)
        finally:
            closed.append(name)

    pieces = to_bundle([("video.mp4", 1 << 40)], read, source(b"", "a"), FORMATS)
    assert isinstance(pieces, Generator)
    for _ in range(100):
        next(pieces)
    pieces.close()
    assert closed == ["video.mp4"]


@pytest.mark.parametrize("packed", [True, False])
def test_other_programs_read_a_large_file(tmp_path: Path, packed: bool) -> None:
    content = noise(100_000)
    stream = ZipStream()
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        for piece in stream.file("a.bin", [content], packed=packed, large=True):
            file.write(piece)
        for piece in (*stream.file("b.bin", [b"b"]), *stream.end()):
            file.write(piece)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("a.bin") == content
        assert archive.read("b.bin") == b"b"
    if unzip := shutil.which("unzip"):
        subprocess.run([unzip, "-q", path, "-d", tmp_path], check=True)
        assert (tmp_path / "a.bin").read_bytes() == content
