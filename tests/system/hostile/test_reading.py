"""Any file gives frames or a reason why not."""

import io
from collections import Counter
from itertools import islice

from poseway.errors import VideoError
from poseway.media.reader import VideoReader
from tests.system.hostile.claims import claims, grown
from tests.system.hostile.mutations import mutated

MOST_FRAMES = 1000


def read(data: bytes) -> str:
    """``frames`` or an error code."""
    try:
        reader = VideoReader(io.BytesIO(data), threads=1)
        frames = sum(1 for _ in islice(reader.frames(), MOST_FRAMES))
        reader.close()
    except VideoError as error:
        return error.code
    # Bounded, because an endless file would be read forever.
    assert frames < MOST_FRAMES
    return "frames"


def test_corrupted_files_are_read_or_refused() -> None:
    found = Counter(read(data) for _, data in (*claims(), *mutated(64, seed=7)))
    assert found["frames"] > 400
    assert found["video_unreadable"] > 200
    assert found["picture_unreadable"] > 50


def test_an_oversized_frame_is_skipped_anywhere() -> None:
    sizes = [(64, 64), (128, 96), (8192, 4352), (8192, 4400), (16384, 8192), (64, 64)]
    reader = VideoReader(io.BytesIO(grown(sizes)), 1)
    assert [frame.image.width for frame in reader.frames()] == [64, 128, 8192, 64]
    assert reader.damaged_packets == 2
