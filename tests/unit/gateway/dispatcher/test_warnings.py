"""Warnings in a result about the uploaded video."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from poseway.jobs import JobOptions
from poseway.media.reader import VideoInfo, VideoReader
from poseway.read_options import AS_FOUND, Reading
from poseway.v1 import renderer_pb2
from poseway_gateway.dispatcher.frames.batches import Position, batches
from poseway_gateway.dispatcher.warnings import content_warnings, timing_warnings
from tests.support.videos import make_video

WHOLE = renderer_pb2.JoinSegmentsResponse()


@pytest.mark.parametrize("container", ["mp4", "matroska", "webm", "mpegts"])
def test_audio_longer_than_video_is_not_truncation(container: str) -> None:
    codec, sound = ("libvpx", "libopus") if container == "webm" else ("libx264", "aac")
    data = make_video(
        50, container=container, codec=codec, sound=True, sound_codec=sound, sound_seconds=4
    )
    info = VideoReader(io.BytesIO(data)).info
    assert content_warnings(info, Fraction(50, 30), 0, WHOLE) == []
    assert (content_warnings(info, Fraction(1, 2), 0, WHOLE) != []) is (info.duration is not None)
    if container in ("mp4", "matroska"):
        assert info.frames == pytest.approx(50, abs=1)


def test_damage_and_lost_audio_are_reported() -> None:
    info = VideoReader(io.BytesIO(make_video(30))).info
    one, many = (content_warnings(info, Fraction(1), count, WHOLE) for count in (1, 4))
    assert one == ["The video is damaged in 1 place."]
    assert many == ["The video is damaged in 4 places."]
    lost = renderer_pb2.JoinSegmentsResponse(sound_lost=True)
    (words,) = content_warnings(info, Fraction(1), 0, lost)
    assert "audio" in words


def test_assumed_frame_rate_is_reported() -> None:
    data = make_video(5, codec="mjpeg", container="mjpeg", pix_fmt="yuvj420p")
    (words,) = timing_warnings(read(data), JobOptions())
    assert "25 frames per second are assumed" in words
    assert "assume_frame_rate" in words
    given = JobOptions(assume_frame_rate=12.5)
    assert timing_warnings(read(data, given.reading), given) == []
    (words,) = timing_warnings(read(make_video(5)), given)
    assert "no effect" in words
    assert timing_warnings(read(make_video(5, container="h264")), JobOptions()) == []


def read(data: bytes, reading: Reading = AS_FOUND) -> VideoInfo:
    return VideoReader(io.BytesIO(data), reading=reading).info


def test_damage_before_a_segment_is_counted_once() -> None:
    data = bytearray(make_video(90, options={"bf": "0", "g": "90"}))
    with av.open(io.BytesIO(bytes(data)), "r") as container:
        places = [(p.pos or 0, p.size) for p in container.demux(video=0) if p.size]
    at, size = places[10]
    data[at + 5 : at + size] = np.random.default_rng(0).bytes(size - 5)

    def run(segment: int, start: Position) -> list[tuple[int, int]]:
        reader = VideoReader(io.BytesIO(bytes(data)), 1)
        found = batches(
            reader,
            segment,
            start,
            batch_frames=8,
            segment_seconds=1,
            max_height=120,
            max_frames=100_000,
        )
        return [(batch.segment, batch.damaged_packets) for batch in found]

    from_start = run(0, Position(0, 0))
    assert sum(count for _, count in from_start) >= 1
    frames = VideoReader(io.BytesIO(bytes(data)), 1).frames()
    start = next(frame for frame in frames if frame.index == 30)
    resumed = run(1, Position(start.index, start.pts))
    assert sum(count for _, count in resumed) == sum(
        count for segment, count in from_start if segment >= 1
    )


@pytest.mark.parametrize(("times", "words"), [(1, "changes once."), (3, "changes 3 times.")])
def test_changes_of_frame_size_are_reported(times: int, words: str) -> None:
    info = VideoReader(io.BytesIO(make_video(30))).info
    (warning,) = content_warnings(info, Fraction(1), 0, WHOLE, times)
    assert words in warning
    assert "black bars" in warning
