"""The renderer reads the same streams as the dispatcher, at the same times."""

import io
from fractions import Fraction
from typing import Final

import av
import numpy as np
import pytest
from av.stream import Disposition

from poseway.media.reader import VideoReader
from poseway.read_options import AS_FOUND, Reading
from poseway_renderer.drawing.people import PosedFrame
from poseway_renderer.media.encode import Encoding
from poseway_renderer.media.join import JoinedVideo, Joiner
from poseway_renderer.segment import SegmentOptions, render_segment
from tests.support.full_render import decoded_frames, render_whole
from tests.support.multi_stream_files import Sound, Video, multi_stream_file
from tests.support.people_to_draw import Shots
from tests.support.videos import read_number

DEFAULT: Final = Disposition.default
FILM: Final = Video()
GOOD, OTHER = 1000, 300


def joined(data: bytes, reading: Reading = AS_FOUND) -> tuple[JoinedVideo, bytes]:
    reader = VideoReader(io.BytesIO(data), 1, reading=reading)
    posed = [PosedFrame(frame.index, frame.pts, []) for frame in reader.frames()]
    segment, output = io.BytesIO(), io.BytesIO()
    render_segment(reader, posed, SegmentOptions(), Encoding(threads=1), segment, Shots())
    joiner = Joiner(io.BytesIO(data), len(posed), reading)
    return joiner.write(
        [io.BytesIO(segment.getvalue())], output, joiner.index_bytes
    ), output.getvalue()


def hertz(video: bytes) -> float:
    """Returns the frequency with the highest amplitude, in hertz."""
    with av.open(io.BytesIO(video), "r") as container:
        wave = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        spectrum = np.abs(np.fft.rfft(wave))
        return float(spectrum.argmax()) * container.streams.audio[0].rate / len(wave)


def test_default_audio_stream_is_kept() -> None:
    data = multi_stream_file(
        "matroska", FILM, Sound(OTHER), Sound(GOOD, layout="stereo", flags=DEFAULT)
    )
    result, video = joined(data)
    assert hertz(video) == pytest.approx(GOOD, abs=5)
    assert (result.audio_codec, result.sound_lost) == ("aac", False)
    assert hertz(joined(data, Reading(audio_stream=1))[1]) == pytest.approx(OTHER, abs=5)


def test_audio_of_an_unknown_codec_is_skipped() -> None:
    data = multi_stream_file("mov", FILM, Sound(OTHER, "pcm_s16le"), Sound(GOOD))
    unknown = data.replace(b"sowt", b"zzzz")
    result, video = joined(unknown)
    assert hertz(video) == pytest.approx(GOOD, abs=5)
    assert not result.sound_lost
    only = multi_stream_file("mov", FILM, Sound(OTHER, "pcm_s16le")).replace(b"sowt", b"zzzz")
    result, video = joined(only)
    assert (result.audio_codec, result.sound_lost) == ("", True)
    assert joined(unknown, Reading(audio_stream=1))[0].sound_lost


def test_video_stream_after_a_still_is_drawn_on() -> None:
    data = multi_stream_file("mp4", Video("mjpeg", (640, 480), 1), FILM)
    assert [read_number(frame.picture) for frame in decoded_frames(render_whole(data))] == list(
        range(30)
    )


@pytest.mark.parametrize("container", ["flv", "mpegts", "matroska", "mp4"])
def test_video_that_starts_after_the_audio_keeps_its_time(container: str) -> None:
    late = Fraction(3, 2)
    video = Video(late=late, options=(("bf", "0"),))
    frames = decoded_frames(
        render_whole(multi_stream_file(container, video, Sound(GOOD, seconds=3)))
    )
    assert [read_number(frame.picture) for frame in frames] == list(range(30))
    # AAC encoders insert priming samples before the audio.
    assert frames[0].time == pytest.approx(1.5, abs=0.03)
    times = [frame.time - frames[0].time for frame in frames]
    assert times == pytest.approx([index / 30 for index in range(30)], abs=0.0011)
