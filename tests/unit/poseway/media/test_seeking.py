"""Frames and times are the same from the start and after seeking."""

import io
from fractions import Fraction
from typing import Final

import pytest

from poseway.media.frame import SourceFrame
from poseway.media.reader import VideoReader
from tests.support.multi_stream_files import Sound, Video, multi_stream_file
from tests.support.videos import read_number

FRAMES: Final = 60
B_FRAMES: Final = (("bf", "2"),)
PLAIN: Final = (("bf", "0"),)
VPX: Final = (("deadline", "realtime"), ("cpu-used", "8"))
# Container, video and audio codec, options of the video encoder and of the muxer.
KINDS: Final = {
    "mp4": ("mp4", "libx264", "aac", B_FRAMES, {}),
    "mp4-fragments": ("mp4", "libx264", "aac", B_FRAMES, {"movflags": "frag_keyframe+empty_moov"}),
    "mp4-one-fragment": ("mp4", "libx264", "aac", PLAIN, {"movflags": "empty_moov"}),
    "mov": ("mov", "mpeg4", "pcm_s16le", B_FRAMES, {}),
    "mkv": ("matroska", "libx264", "aac", B_FRAMES, {}),
    "mkv-live": ("matroska", "libx264", "aac", B_FRAMES, {"live": "1"}),
    "webm": ("webm", "libvpx", "libopus", VPX, {}),
    "webm-live": ("webm", "libvpx-vp9", "libopus", VPX, {"live": "1"}),
    "ts": ("mpegts", "libx264", "aac", B_FRAMES, {}),
    "ts-mpeg2": ("mpegts", "mpeg2video", "mp2", B_FRAMES, {}),
    "ps": ("mpeg", "mpeg2video", "mp2", B_FRAMES, {}),
    "vob": ("vob", "mpeg2video", "ac3", B_FRAMES, {}),
    "avi": ("avi", "mpeg4", "libmp3lame", B_FRAMES, {}),
    "avi-h264": ("avi", "libx264", "pcm_s16le", PLAIN, {}),
    "avi-mjpeg": ("avi", "mjpeg", "pcm_s16le", (), {}),
    "flv": ("flv", "libx264", "aac", B_FRAMES, {"flvflags": "no_duration_filesize"}),
    "flv-indexed": ("flv", "libx264", "aac", B_FRAMES, {"flvflags": "add_keyframe_index"}),
    "flv1": ("flv", "flv", "libmp3lame", (), {}),
    "asf": ("asf", "wmv2", "libmp3lame", (), {}),
    "asf-h264": ("asf", "libx264", "libmp3lame", PLAIN, {}),
    "ogg-vp8": ("ogg", "libvpx", "libopus", VPX, {}),
    "mxf": ("mxf", "mpeg2video", "pcm_s16le", B_FRAMES, {}),
}
# In these containers, the first frame defines the start of the file, or nearly so.
EARLY: Final = ("avi", "avi-h264", "avi-mjpeg", "mp4-fragments", "mp4-one-fragment")


def made(kind: str, late: Fraction) -> bytes:
    container, codec, sound, encoder, muxer = KINDS[kind]
    video = Video(codec, frames=FRAMES, rate=25, late=late, options=encoder)
    return multi_stream_file(container, video, Sound(440, sound, seconds=6), options=muxer)


def seen(frame: SourceFrame) -> tuple[int, int, int | None, int, int]:
    return (
        frame.index,
        frame.pts,
        frame.previous,
        frame.duration,
        read_number(frame.bgr(320, 240)),
    )


def expected(kind: str, late: int, first: float) -> list[float]:
    """Returns presentation times as precisely as FFmpeg's muxer stores them."""
    times = [first + index / 25 for index in range(FRAMES)]
    if kind in EARLY and late:
        # The first frame lasts from the start to the second one. AVI stores decoding times, which
        # are one frame earlier with reordering.
        assert first == pytest.approx(0, abs=0.1)
        begin = late - (kind == "avi") / 25
        return [first, *(begin + index / 25 for index in range(1, FRAMES))]
    assert first == pytest.approx(late if kind != "mxf" else 0, abs=0.1)
    return times


@pytest.mark.parametrize("late", [0, 1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_seeking_yields_the_same_frames(kind: str, late: int) -> None:
    data = made(kind, Fraction(late))
    reader = VideoReader(io.BytesIO(data), threads=1)
    frames = [seen(frame) for frame in reader.frames()]
    assert [(index, number) for index, *_, number in frames] == [(i, i) for i in range(FRAMES)]
    times = [float(pts * reader.info.time_base) for _, pts, *_ in frames]
    assert times == pytest.approx(expected(kind, late, times[0]), abs=0.0011)
    assert reader.info.frame_rate == 25
    assert reader.damaged_packets == 0
    for index in (0, 1, 5, 12, 13, 37, FRAMES - 1):
        pts = frames[index][1]
        for each in (reader, VideoReader(io.BytesIO(data), threads=1)):
            found = each.frames(index, pts)
            assert [seen(f) for f, _ in zip(found, range(3), strict=False)] == frames[
                index : index + 3
            ]
    assert [seen(frame) for frame in reader.frames()] == frames


@pytest.mark.parametrize("kind", ["ts", "ts-mpeg2", "ps", "flv", "flv1"])
def test_video_may_start_minutes_after_the_audio(kind: str) -> None:
    container, codec, sound, _, _ = KINDS[kind]
    video = Video(codec, frames=30, rate=25, late=Fraction(100), options=PLAIN)
    data = multi_stream_file(container, video, Sound(440, sound, seconds=101))
    reader = VideoReader(io.BytesIO(data), threads=1)
    frames = [seen(frame) for frame in reader.frames()]
    assert [number for *_, number in frames] == list(range(30))
    assert float(frames[0][1] * reader.info.time_base) == pytest.approx(100, abs=0.1)
    assert [seen(frame) for frame in reader.frames(13, frames[13][1])] == frames[13:]
    assert reader.info.audio_stream is not None
