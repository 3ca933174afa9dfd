"""Videos of every kind keep all frames, times, orientation and audio sync from file to file."""

import io
from fractions import Fraction
from typing import Final

import av
import numpy as np
import pytest

from poseway.media.orientation import Orientation
from poseway.media.tone_mapping import HLG, PQ
from tests.support.clapperboard import flash_and_click
from tests.support.film import CLAP, HEVC, Film
from tests.support.full_render import decoded_frames, due_times, render_whole
from tests.support.videos import read_number

NTSC: Final = Fraction(30_000, 1001)
UNEVEN: Final = np.random.default_rng(3).integers(900, 7000, 30).cumsum().tolist()
B_FRAMES: Final = {"x264-params": "bframes=3:b-adapt=0:open-gop=1"}
VPX: Final = {"deadline": "realtime", "cpu-used": "8"}
FIELDS: Final = {"x264-params": "tff=1"}
SDR: Final = (1, 1, 1, 1)

FILMS: Final = {
    "MP4, H.264": Film(),
    "MP4, HEVC": Film(codec="libx265", options=HEVC),
    "MP4, HEVC of 10 bits": Film(codec="libx265", options=HEVC, pixels="yuv420p10le", colours=SDR),
    "MP4, AV1": Film(codec="libsvtav1", options={"preset": "12"}, sound="libopus"),
    "MP4, MPEG-4": Film(codec="mpeg4", sound="libmp3lame"),
    "MOV, H.264, PCM": Film("mov", sound="pcm_s16le"),
    "MOV, H.264, 4:2:2 of 10 bits": Film("mov", pixels="yuv422p10le"),
    "MOV, ProRes": Film("mov", "prores_ks", "pcm_s16le", "yuv422p10le"),
    "MKV, H.264": Film("matroska", sound="flac"),
    "MKV, HEVC": Film("matroska", "libx265", "ac3", options=HEVC),
    "MKV, FFV1 in RGB": Film("matroska", "ffv1", "pcm_s16le", "bgr0"),
    "WebM, VP8": Film("webm", "libvpx", "libopus", options=VPX),
    "WebM, VP9": Film("webm", "libvpx-vp9", "libopus", options=VPX),
    "WebM, AV1": Film("webm", "libsvtav1", "libopus", options={"preset": "12"}),
    "AVI, MPEG-4": Film("avi", "mpeg4", "libmp3lame", options={"bf": "2"}),
    "AVI, motion JPEG": Film("avi", "mjpeg", "pcm_s16le", "yuvj420p", colours=(2, 6, 6, 6)),
    "MPEG-TS, H.264": Film("mpegts"),
    "MPEG-TS, HEVC": Film("mpegts", "libx265", "mp2", options=HEVC),
    "MPEG-TS, MPEG-2": Film("mpegts", "mpeg2video", "ac3", options={"bf": "2"}),
    "FLV": Film("flv"),
    "turned left": Film(turned=Orientation(turns=1)),
    "turned right": Film(turned=Orientation(turns=3)),
    "upside down": Film("mov", turned=Orientation(turns=2)),
    "mirrored": Film(turned=Orientation(mirrored=True)),
    "turned, of odd size": Film(size=(255, 143), turned=Orientation(turns=3), pixels="yuv444p"),
    "pixels not square": Film(aspect=Fraction(64, 45)),
    "pixels not square, turned": Film(aspect=Fraction(64, 45), turned=Orientation(turns=1)),
    "odd size": Film(size=(257, 145), pixels="yuv444p"),
    "interlaced, H.264": Film(options=FIELDS, interlaced=True),
    "interlaced, MPEG-2": Film("mpegts", "mpeg2video", "mp2", interlaced=True),
    "29.97 a second": Film(rate=NTSC),
    "23.976 a second": Film(rate=Fraction(24_000, 1001), options=B_FRAMES),
    "23.976 a second, MKV": Film("matroska", rate=Fraction(24_000, 1001), options=B_FRAMES),
    "variable rate": Film(times=[Fraction(tick, 90_000) for tick in [0, *UNEVEN[:-1]]]),
    "variable rate, B-frames, MKV": Film(
        "matroska", times=[Fraction(t, 90_000) for t in [0, *UNEVEN[:-1]]], options=B_FRAMES
    ),
    "B-frames": Film(options=B_FRAMES),
    "B-frames, MPEG-TS": Film("mpegts", options=B_FRAMES),
    "begins late": Film(times=[Fraction(index + 12, 25) for index in range(30)]),
    "begins late, MPEG-TS": Film("mpegts", times=[Fraction(i + 12, 25) for i in range(30)]),
    "full range": Film(colours=(2, 1, 1, 1)),
    "BT.601": Film(colours=(1, 5, 5, 5)),
    "BT.2020, standard range": Film(
        codec="libx265", options=HEVC, pixels="yuv420p10le", colours=(1, 9, 9, 14)
    ),
    "PQ": Film(codec="libx265", options=HEVC, pixels="yuv420p10le", colours=(1, 9, 9, PQ)),
    "HLG": Film("mov", "libx265", "aac", "yuv420p10le", HEVC, colours=(1, 9, 9, HLG)),
    "no sound": Film(sound=""),
}


def declared(data: bytes) -> tuple[object, ...]:
    """Returns pixel aspect, range, matrix, primaries and transfer that the video declares."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (stream.profile, context.pix_fmt in ("yuv420p", "yuvj420p")) == ("High", True)
        return (
            stream.sample_aspect_ratio,
            context.color_range,
            context.colorspace,
            context.color_primaries,
            context.color_trc,
        )


@pytest.mark.parametrize("name", FILMS)
def test_result_has_the_frames_and_audio_of_the_upload(name: str) -> None:
    film = FILMS[name]
    data = film.make()
    video = render_whole(data)
    frames, expected = decoded_frames(video), due_times(film, data)
    assert [read_number(frame.picture) for frame in frames] == list(range(film.frames))
    assert [frame.time for frame in frames] == pytest.approx(expected, abs=0.001)
    width, height = film.size
    assert frames[0].picture.shape == (height + height % 2, width + width % 2, 3)
    lower_left = frames[CLAP].picture[height * 3 // 4 :, : width // 4]
    assert lower_left.mean() > 225 > 60 > frames[0].picture[height * 3 // 4 :, : width // 4].mean()
    if film.sound:
        flash, click = flash_and_click(video)
        assert flash == pytest.approx(expected[CLAP], abs=0.001)
        assert click == pytest.approx(flash, abs=0.04)


@pytest.mark.parametrize("name", FILMS)
def test_result_has_the_duration_of_the_upload(name: str) -> None:
    film = FILMS[name]
    data = film.make()
    with av.open(io.BytesIO(render_whole(data)), "r") as container:
        stream = container.streams.video[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        length = float((stream.duration + (stream.start_time or 0)) * stream.time_base)
    usual = float(1 / film.rate)
    # Not every format stores the duration of the last frame.
    assert length == pytest.approx(due_times(film, data)[-1] + usual, abs=usual / 2 + 0.001)


COLOURS: Final = {
    "full range": (2, 1, 1, 1),
    "BT.601": (1, 5, 5, 5),
    "BT.2020, standard range": (1, 9, 9, 14),
    "PQ": (1, 1, 1, 1),
    "HLG": (1, 1, 1, 1),
}


@pytest.mark.parametrize("name", COLOURS)
def test_result_declares_its_colours(name: str) -> None:
    assert declared(render_whole(FILMS[name].make(), 30))[1:] == COLOURS[name]


@pytest.mark.parametrize(
    ("name", "aspect"),
    [("pixels not square", Fraction(64, 45)), ("pixels not square, turned", Fraction(45, 64))],
)
def test_result_keeps_the_pixel_aspect_ratio(name: str, aspect: Fraction) -> None:
    assert declared(render_whole(FILMS[name].make(), 30))[0] == aspect


def test_audio_that_starts_before_the_video_stays_in_sync() -> None:
    # AAC encoders insert 1024 priming samples, which an edit list hides.
    film = FILMS["begins late"]
    flash, click = flash_and_click(render_whole(film.make()))
    assert flash == pytest.approx(float(film.seconds()[CLAP]), abs=0.001)
    assert click == pytest.approx(flash, abs=0.001)
