"""Joined videos are complete, exact in time, in sync, and play while they download."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from poseway.errors import IncompatibleError
from poseway.media.reader import VideoReader
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.media.encode import Encoding
from poseway_renderer.media.join import MARGIN, IndexTooLargeError, JoinedVideo, Joiner
from poseway_renderer.segment import SegmentOptions, render_segment
from tests.support.clapperboard import flash_and_click, make_clap
from tests.support.mp4_boxes import boxes
from tests.support.people_to_draw import Shots
from tests.support.videos import make_video, read_number

NTSC = Fraction(30_000, 1001)


def render(data: bytes, length: int, encoding: Encoding | None = None) -> list[bytes]:
    """Renders a video in segments of `length` frames."""
    reader = VideoReader(io.BytesIO(data), threads=1)
    frames = [PosedFrame(frame.index, frame.pts, []) for frame in reader.frames()]
    segments = []
    for start in range(0, len(frames), length):
        file = io.BytesIO()
        render_segment(
            reader,
            frames[start : start + length],
            SegmentOptions(),
            encoding or Encoding(threads=1),
            file,
            Shots(),
        )
        segments.append(file.getvalue())
    return segments


def join(
    data: bytes, segments: list[bytes], frames: int, room: int = 0
) -> tuple[JoinedVideo, bytes]:
    joiner = Joiner(io.BytesIO(data), frames)
    output = io.BytesIO()
    joined = joiner.write(map(io.BytesIO, segments), output, room or joiner.index_bytes)
    return joined, output.getvalue()


def sound_packets(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data), "r") as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize("length", [100, 12, 7])
def test_frames_keep_their_presentation_times(length: int) -> None:
    data = make_video(40, rate=NTSC)
    joined, video = join(data, render(data, length), 40)
    source, result = (VideoReader(io.BytesIO(each)) for each in (data, video))
    frames = list(result.frames())
    assert [read_number(frame.bgr(320, 240)) for frame in frames] == list(range(40))
    assert result.info.time_base == source.info.time_base
    assert [frame.pts for frame in frames] == [frame.pts for frame in source.frames()]
    assert joined.duration == 40 / NTSC
    assert joined.audio_codec == ""
    assert result.stream.profile == "High"
    assert result.stream.codec_context.pix_fmt == "yuv420p"


def test_variable_times_and_the_last_duration_are_kept() -> None:
    steps = np.random.default_rng(4).integers(1, 9000, 40).cumsum().tolist()
    data = make_video(40, times=[0, *steps[:-1]], time_base=Fraction(1, 90_000))
    joined, video = join(data, render(data, 9), 40)
    source, result = (list(VideoReader(io.BytesIO(each)).frames()) for each in (data, video))
    assert [frame.pts for frame in result] == [frame.pts for frame in source]
    assert result[-1].duration == source[-1].duration
    assert joined.duration == Fraction(source[-1].pts + source[-1].duration, 90_000)


def test_video_that_starts_after_its_audio_stays_late() -> None:
    data = make_video(30, times=[15 + index for index in range(30)], sound=True)
    _, video = join(data, render(data, 8), 30)
    source, result = (VideoReader(io.BytesIO(each)) for each in (data, video))
    assert [frame.pts for frame in result.frames()] == [frame.pts for frame in source.frames()]
    assert next(result.frames()).pts * result.info.time_base == Fraction(1, 2)


def test_index_comes_first_and_the_file_is_complete() -> None:
    data = make_clap("mp4", "aac")
    _, video = join(data, render(data, 20), 75)
    names = [name for name, _ in boxes(video)]
    assert names.index("moov") < names.index("mdat")
    assert sum(size for _, size in boxes(video)) == len(video)


def test_dropped_audio_does_not_count_as_lost() -> None:
    data = make_clap("mp4", "aac")
    joiner = Joiner(io.BytesIO(data), 75, drop_audio=True)
    output = io.BytesIO()
    joined = joiner.write(map(io.BytesIO, render(data, 20)), output, joiner.index_bytes)
    assert (joined.audio_codec, joined.sound_lost) == ("", False)
    with av.open(io.BytesIO(output.getvalue()), "r") as container:
        assert [stream.type for stream in container.streams] == ["video"]


@pytest.mark.parametrize(
    ("container", "encoder", "codec"),
    [
        ("mp4", "aac", "aac"),
        ("mp4", "libmp3lame", "mp3"),
        ("mp4", "ac3", "ac3"),
        ("mp4", "eac3", "eac3"),
        ("mp4", "alac", "alac"),
        ("mp4", "flac", "flac"),
        ("matroska", "libopus", "opus"),
        ("matroska", "aac", "aac"),
        ("mpegts", "ac3", "ac3"),
        ("flv", "aac", "aac"),
    ],
)
def test_supported_audio_is_copied_in_sync(container: str, encoder: str, codec: str) -> None:
    data = make_clap(container, encoder)
    joined, video = join(data, render(data, 20), 75)
    assert joined.audio_codec == codec
    assert sound_packets(video) == sound_packets(data)
    flash, click = flash_and_click(video)
    assert click == pytest.approx(flash, abs=0.001)


@pytest.mark.parametrize(
    ("container", "encoder"),
    [("mpegts", "mp2"), ("mov", "pcm_s16le"), ("avi", "pcm_s16le"), ("matroska", "pcm_s16le")],
)
def test_other_audio_is_transcoded_to_aac_in_sync(container: str, encoder: str) -> None:
    data = make_clap(container, encoder)
    joined, video = join(data, render(data, 20), 75)
    assert joined.audio_codec == "aac"
    flash, click = flash_and_click(video)
    assert click == pytest.approx(flash, abs=0.001)


def test_adts_headers_of_aac_are_removed() -> None:
    data = make_clap("mpegts", "aac")
    _, video = join(data, render(data, 20), 75)
    assert sound_packets(video) == [packet[7:] for packet in sound_packets(data)]
    flash, click = flash_and_click(video)
    assert click == pytest.approx(flash, abs=0.001)


def test_gaps_in_the_audio_are_kept() -> None:
    data = make_clap("matroska", "pcm_s16le", silent=range(10, 30))
    assert flash_and_click(data)[1] == pytest.approx(1.6, abs=0.001)
    _, video = join(data, render(data, 20), 75)
    flash, click = flash_and_click(video)
    assert (flash, click) == pytest.approx((1.6, 1.6), abs=0.001)


def test_video_and_audio_are_interleaved() -> None:
    data = make_clap("mp4", "aac", frames=250)
    _, video = join(data, render(data, 100), 250)
    with av.open(io.BytesIO(video), "r") as container:
        first: dict[str, list[tuple[int, float]]] = {"video": [], "audio": []}
        for packet in container.demux():
            if packet.size and packet.pos is not None and packet.pts is not None:
                time = float(packet.pts * packet.time_base)
                first[packet.stream.type].append((packet.pos, time))
    # A player that has read up to a frame has read the audio until shortly before it.
    for position, time in first["video"]:
        heard = max((t for p, t in first["audio"] if p < position), default=0.0)
        assert time - heard < 1.5


def test_reserved_index_fits_irregular_timestamps() -> None:
    steps = np.random.default_rng(5).integers(1, 6000, 250).cumsum().tolist()
    data = make_video(250, times=[0, *steps[:-1]], time_base=Fraction(1, 90_000), sound=True)
    joiner = Joiner(io.BytesIO(data), 250)
    _, video = join(data, render(data, 100), 250)
    moov = dict(boxes(video))["moov"]
    assert joiner.index_bytes / 4 < moov < joiner.index_bytes
    assert video.index(b"mdat") < joiner.index_bytes + MARGIN


def test_too_small_an_index_is_reported() -> None:
    data = make_clap("mp4", "aac")
    segments = render(data, 20)
    with pytest.raises(IndexTooLargeError):
        join(data, segments, 75, room=1000)
    assert join(data, segments, 75, room=10_000)[0].audio_codec == "aac"


def test_segments_that_do_not_fit_together_are_refused() -> None:
    data, other = make_video(20), make_video(20, picture=lambda _: np.zeros((48, 64, 3), np.uint8))
    segments = render(data, 10)
    with pytest.raises(IncompatibleError, match="Segment 1 has other encoding parameters"):
        join(data, [segments[0], render(other, 10)[1]], 20)
    with pytest.raises(IncompatibleError, match="other encoding"):
        join(data, [segments[0], render(data, 10, Encoding("medium", threads=1))[1]], 20)
    with pytest.raises(IncompatibleError, match="before the preceding one ends"):
        join(data, [segments[1], segments[0]], 20)
    with pytest.raises(IncompatibleError, match="10 frames instead of 20"):
        join(data, segments[:1], 20)
    with pytest.raises(IncompatibleError, match="no segments"):
        join(data, [], 20)
    with pytest.raises(IncompatibleError, match="not a video"):
        join(data, [segments[0], b"text"], 20)
