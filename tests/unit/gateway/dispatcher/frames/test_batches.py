import io
from fractions import Fraction

import pytest

from poseway.media.reader import VideoReader
from poseway_gateway.dispatcher.frames.batches import Batch, Position, batches
from tests.support.videos import make_video, read_number


def run(
    data: bytes, segment: int = 0, start: Position | None = None, seconds: float = 1.0
) -> list[Batch]:
    reader = VideoReader(io.BytesIO(data))
    return list(
        batches(
            reader,
            segment,
            start or Position(0, 0),
            batch_frames=4,
            segment_seconds=seconds,
            max_height=120,
            max_frames=100_000,
        )
    )


def test_every_frame_comes_once_in_order_and_scaled() -> None:
    found = run(make_video(70))
    images = [image for batch in found for image in batch.images]
    assert [image.index for image in images] == list(range(70))
    assert {(image.yuv.width, image.yuv.height) for image in images} == {(160, 120)}
    big = [i for b in run(make_video(20)) for i in b.images]
    assert len(big) == 20


def test_pixels_match_their_frame_index() -> None:
    reader = VideoReader(io.BytesIO(make_video(40)))
    for frame in reader.frames():
        assert read_number(frame.bgr(320, 240)) == frame.index


def test_segments_end_by_time_and_name_the_next_frame() -> None:
    found = run(make_video(70))
    closing = [batch for batch in found if batch.closes]
    assert [batch.segment for batch in closing] == [0, 1, 2]
    assert [batch.following and batch.following.index for batch in closing] == [30, 60, None]
    assert all(len(batch.images) <= 4 for batch in found)


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24), Fraction(60)])
def test_resumed_job_produces_the_same_segments(rate: Fraction) -> None:
    data = make_video(100, rate=rate)
    whole = run(data)
    first = next(batch for batch in whole if batch.closes)
    resumed = run(data, 1, first.following)
    expected = [(b.segment, [(i.index, i.pts) for i in b.images], b.closes) for b in whole]
    assert expected[whole.index(first) + 1 :] == [
        (b.segment, [(i.index, i.pts) for i in b.images], b.closes) for b in resumed
    ]
