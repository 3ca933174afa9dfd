"""Rates and durations are measured; those that a container declares are only hints."""

import io
from fractions import Fraction
from typing import Final

import numpy as np
import pytest

from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoInfo, VideoReader
from tests.support.videos import make_video, read_number, remuxed

NTSC: Final = Fraction(30_000, 1001)
MS: Final = Fraction(1, 1000)
PLAIN: Final = {"bf": "0"}


def read(data: bytes) -> tuple[VideoInfo, list[SourceFrame]]:
    reader = VideoReader(io.BytesIO(data), threads=1)
    frames = list(reader.frames())
    assert [read_number(frame.bgr(320, 240)) for frame in frames] == list(range(len(frames)))
    return reader.info, frames


def timed(times: list[int], container: str, *, live: bool = False, said: int = 1000) -> bytes:
    """Frames at these milliseconds, in a container that declares another rate."""
    codec = {"asf": "wmv2", "webm": "libvpx"}.get(container, "libx264")
    speed = {"deadline": "realtime", "cpu-used": "8"} if codec == "libvpx" else {}
    plain = make_video(
        len(times), rate=Fraction(said), codec=codec, container="nut", options={**PLAIN, **speed}
    )
    return remuxed(plain, container, {"live": "1"} if live else {}, times)


def wandering(frames: int = 100) -> list[int]:
    wander = np.random.default_rng(0).integers(-6, 7, frames)
    return [40 + round(index * 1000 / 30) + int(wander[index]) for index in range(frames)]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("said", [1000, 5, 30])
@pytest.mark.parametrize("container", ["webm", "matroska", "flv", "asf"])
def test_jittered_timestamps_have_the_nominal_rate(container: str, said: int, live: bool) -> None:
    times = wandering()
    info, frames = read(timed(times, container, live=live and container != "asf", said=said))
    assert 29 < info.frame_rate < 31
    seconds = [float(frame.pts * info.time_base) for frame in frames]
    assert np.diff(seconds) == pytest.approx(np.diff(times) / 1000, abs=0.0011)
    assert [frame.duration for frame in frames[:-1]] == list(np.diff([f.pts for f in frames]))
    assert 0.02 < frames[-1].duration * info.time_base < 0.05


@pytest.mark.parametrize("container", ["matroska", "webm", "flv"])
def test_one_frame_every_ten_seconds(container: str) -> None:
    info, frames = read(timed([10_000 * index for index in range(12)], container, said=30))
    assert info.frame_rate == Fraction(1, 10)
    assert (info.frames, len(frames)) == (12, 12)
    assert {frame.duration * info.time_base for frame in frames} == {10}


@pytest.mark.parametrize("rate", [Fraction(10), NTSC, Fraction(60), Fraction(240)])
@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "flv", "avi"])
def test_declared_fraction_that_fits_is_kept(container: str, rate: Fraction) -> None:
    info, frames = read(make_video(100, rate=rate, container=container, options={"bf": "2"}))
    if rate == 240:
        assert float(info.frame_rate) == pytest.approx(240, rel=0.02)
    else:
        assert info.frame_rate == rate
    assert info.frames == pytest.approx(100, abs=3)
    assert float(frames[-1].duration * info.time_base) == pytest.approx(1 / rate, abs=0.0011)


def test_pause_at_the_start_is_not_a_slow_rate() -> None:
    info, frames = read(timed([0, *range(9000, 12_000, 33)], "matroska", said=1000))
    assert float(info.frame_rate) == pytest.approx(30, rel=0.02)
    assert frames[0].duration * info.time_base == 9


def test_frame_count_is_estimated_from_duration_and_rate() -> None:
    times = [100 * index for index in range(120)]
    info, frames = read(timed(times, "matroska", said=30))
    assert info.frame_rate == 10
    assert info.frames == pytest.approx(len(frames), abs=2)


def test_last_duration_is_trusted_if_the_others_are_true() -> None:
    times = [0, 40, 80, 120, 160, 260, 300, 340]
    data = make_video(8, times=times, time_base=MS, container="matroska", options=PLAIN)
    info, frames = read(data)
    assert [frame.duration * info.time_base * 1000 for frame in frames][:-1] == list(np.diff(times))
    assert frames[-1].duration * info.time_base * 1000 == pytest.approx(40, abs=7)


def test_single_frame_has_its_declared_duration() -> None:
    info, (frame,) = read(make_video(1, rate=Fraction(25)))
    assert frame.duration * info.time_base == Fraction(1, 25)
