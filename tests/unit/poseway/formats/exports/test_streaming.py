"""Memory and block size of every export format are independent of the length of the video."""

import tracemalloc
from collections.abc import Generator
from pathlib import Path

import pytest

from poseway.formats.exports import FORMATS, Format, Source, trc
from tests.support.walk import walk

PEOPLE = (1, 2)


def source(path: Path) -> Source:
    """The keypoints in a file on disk."""

    def read(start: int) -> Generator[bytes]:
        with path.open("rb") as file:
            file.seek(start)
            while chunk := file.read(1 << 16):
                yield chunk

    return Source("walk", read)


every_format = pytest.mark.parametrize("made", FORMATS, ids=lambda made: made.name)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Files of some thousand frames."""
    folder = tmp_path_factory.mktemp("walks")
    head, *part = walk(
        smoothed=True, frames=1000, spans={track: [(0, 999)] for track in PEOPLE}
    ).splitlines(keepends=True)
    paths = {}
    for thousands in (4, 8):
        paths[thousands] = folder / f"{thousands}.jsonl"
        with paths[thousands].open("wb") as file:
            file.write(head)
            for frame in range(thousands * 1000):
                line = part[frame % 1000]
                file.write(b'{"frame":%d' % frame + line[line.index(b",") :])
    return paths


@every_format
def test_memory_does_not_grow_with_the_video(
    files: dict[int, Path], made: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trc, "_MAX_ROWS_ASIDE", 500)

    def peak(path: Path) -> int:
        tracemalloc.start()
        try:
            for _ in made.convert(source(path)):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    short, long = (peak(files[thousands]) for thousands in (4, 8))
    assert long < 6 << 20
    assert long < short + 4000 * 50  # a frame more leaves 50 bytes at most, here and in a zip


@every_format
def test_conversions_come_in_blocks(files: dict[int, Path], made: Format) -> None:
    *blocks, last = made.convert(source(files[8]))
    assert all(len(block) >= 1 << 18 for block in blocks)
    # A file in a zip is flushed at once, by up to as much as zlib holds back.
    assert all(0 < len(block) < (1 << 18) + 100_000 for block in (*blocks, last))
