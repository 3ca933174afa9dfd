"""Segments are patched to begin at 0."""

import io
from fractions import Fraction

import av
import pytest

from poseway_gateway.api.jobs.mp4_edit_list import from_zero
from poseway_renderer.media.encode import mp4_options

BASE = Fraction(1, 30_000)
STEP = 1001


def movie(start: int, frames: int = 20, base: Fraction = BASE) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options=mp4_options(base)) as container:
        stream = container.add_stream("libx264", rate=Fraction(30_000, 1001), options={"bf": "0"})
        stream.width = stream.height = 64
        stream.time_base = stream.codec_context.time_base = base
        for index in range(frames):
            frame = av.VideoFrame(64, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts, frame.time_base = start + index * STEP, base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def moved(data: bytes) -> bytes:
    place, index = from_zero(lambda start, end: data[start:end], len(data))
    return data[:place] + index + data[place + len(index) :]


def times(data: bytes) -> list[int]:
    with av.open(io.BytesIO(data), "r") as container:
        assert container.duration is not None
        assert container.start_time is not None
        return [frame.pts or 0 for frame in container.decode(video=0)]


@pytest.mark.parametrize("start", [1, 300 * STEP, 200_000 * STEP])  # the last is two hours in
def test_patched_times_begin_at_zero(start: int) -> None:
    data = movie(start)
    assert times(data)[0] == start
    changed = moved(data)
    assert len(changed) == len(data)
    assert times(changed) == [index * STEP for index in range(20)]
    with av.open(io.BytesIO(changed), "r") as container:
        assert container.duration == pytest.approx(20 * STEP / 30_000 * 1e6, abs=100)


def test_long_times_in_a_64_bit_edit_list_are_patched() -> None:
    base = Fraction(1, 1_000_000_000)
    start = 20 * 10**9
    data = movie(start, base=base)
    assert times(data)[0] == start
    assert times(moved(data))[:2] == [0, STEP]


def test_file_that_begins_at_zero_is_unchanged() -> None:
    data = movie(0)
    assert moved(data) == data


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\0" * 50, b"no movie at all", bytes(range(99))])
def test_file_without_a_movie_is_unchanged(data: bytes) -> None:
    assert moved(data) == data
