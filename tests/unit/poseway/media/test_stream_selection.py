"""Selects the streams that a player would use, or those that the user chose."""

import io
import struct
from fractions import Fraction
from typing import Final

import pytest
from av.stream import Disposition

from poseway.errors import VideoError
from poseway.media.reader import VideoReader
from poseway.read_options import Reading
from tests.support.multi_stream_files import Sound, Video, multi_stream_file
from tests.support.videos import read_number

DEFAULT: Final = Disposition.default
COVER: Final = Disposition.attached_pic
SMALL: Final = (160, 96)


def read(data: bytes, reading: Reading | None = None) -> VideoReader:
    return VideoReader(io.BytesIO(data), 1, reading=reading or Reading())


STILL: Final = Video("mjpeg", frames=1)
PREVIEW: Final = Video("mjpeg", SMALL, frames=3, rate=2)
FILM: Final = Video()

# Streams of the file, and the index of the right one.
VIDEOS: Final = {
    "a still first": ("mp4", (STILL, FILM), 1),
    "a larger still first": ("mp4", (Video("mjpeg", (640, 480), 1), FILM), 1),
    "a still that is the default": ("matroska", (Video("mjpeg", frames=1, flags=DEFAULT), FILM), 1),
    "a still in H.264": ("mp4", (Video(frames=1), Video(size=SMALL)), 1),
    "a still last": ("mp4", (FILM, STILL), 0),
    "a still and nothing else": ("mp4", (STILL,), 0),
    "two stills": (
        "mp4",
        (Video("mjpeg", SMALL, 1, flags=DEFAULT), Video("mjpeg", frames=1, flags=DEFAULT)),
        1,
    ),
    "a preview first": ("matroska", (PREVIEW, Video(flags=DEFAULT)), 1),
    "a preview first, no default": ("matroska", (PREVIEW, FILM), 1),
    "a preview as large": ("matroska", (Video("mjpeg", frames=3, rate=2), FILM), 1),
    "a preview in MP4, where all are default": ("mp4", (PREVIEW, FILM), 1),
    "a preview in MOV": ("mov", (PREVIEW, FILM), 1),
    "a cover first": ("mp4", (Video("png", frames=1, flags=COVER), FILM), 0),
    "a small one that is the default": (
        "matroska",
        (FILM, Video(size=SMALL, flags=DEFAULT)),
        1,
    ),
    "two defaults": (
        "matroska",
        (Video(size=SMALL, flags=DEFAULT), Video(flags=DEFAULT)),
        1,
    ),
    "no default": (
        "mpegts",
        (Video("mpeg2video", SMALL, rate=25), Video("mpeg2video", rate=25)),
        1,
    ),
    "two alike": ("matroska", (FILM, FILM), 0),
    "two in MP4, where both are default": (
        "mp4",
        (Video(size=SMALL, flags=DEFAULT), Video(flags=DEFAULT)),
        1,
    ),
    "sound before it": ("matroska", (Sound(440), FILM), 1),
    "one that begins late": (
        "matroska",
        (Video(size=SMALL, frames=90), Video(flags=DEFAULT, late=Fraction(5, 2))),
        1,
    ),
    "one that is slow": (
        "matroska",
        (Video(size=SMALL, frames=120), Video(frames=3, rate=1, flags=DEFAULT)),
        1,
    ),
}


@pytest.mark.parametrize("name", VIDEOS)
def test_video_stream_is_that_of_a_player(name: str) -> None:
    container, kinds, right = VIDEOS[name]
    reader = read(multi_stream_file(container, *kinds))
    chosen = reader.stream.index
    streams = reader.info.streams
    size = streams[chosen].width, streams[chosen].height
    # Muxers may put covers last.
    wanted = kinds[right] if "cover" not in name else FILM
    assert isinstance(wanted, Video)
    assert reader.info.video_stream == chosen
    assert size == wanted.size
    if "cover" not in name:
        assert chosen == right
    numbers = [read_number(frame.bgr(*wanted.size)) for frame in reader.frames()]
    assert numbers == list(range(wanted.frames))


def test_chapter_images_are_not_video() -> None:
    data = multi_stream_file("mp4", Video("mjpeg", (640, 480), 30), FILM)
    assert read(data).info.video_stream == 0
    # The index is at the end, so no offset changes when the last track references chapters.
    moov, trak = data.index(b"moov") - 4, data.rindex(b"trak") - 4
    end = trak + int.from_bytes(data[trak : trak + 4])
    reference = struct.pack(">I4sI4sI", 20, b"tref", 12, b"chap", 1)
    changed = bytearray(data[:end] + reference + data[end:])
    for box in (moov, trak):
        size = int.from_bytes(changed[box : box + 4]) + len(reference)
        changed[box : box + 4] = size.to_bytes(4)
    assert read(bytes(changed)).info.video_stream == 1


def test_decodable_video_wins_over_an_unknown_codec() -> None:
    data = multi_stream_file("mov", Video(size=(640, 480)), Video("mpeg4"))
    assert read(data).info.video_stream == 0
    assert read(data.replace(b"avc1", b"zzzz")).info.video_stream == 1
    with pytest.raises(VideoError) as error:
        read(multi_stream_file("mov", FILM, Sound(440)).replace(b"avc1", b"zzzz"))
    assert error.value.code == "unknown_codec"


# Audio streams, and the index of the right one; stream 0 is the video.
SOUNDS: Final = {
    "the only one": ("matroska", (Sound(300),), 1),
    "the default": ("matroska", (Sound(300), Sound(1000, layout="stereo", flags=DEFAULT)), 2),
    "the default, with fewer channels": (
        "matroska",
        (Sound(300, layout="stereo"), Sound(1000, flags=DEFAULT)),
        2,
    ),
    "most channels": ("mpegts", (Sound(300), Sound(1000, layout="stereo"), Sound(500)), 2),
    "the first of those alike": ("mpegts", (Sound(300), Sound(1000)), 1),
    "no commentary": (
        "matroska",
        (
            Sound(300, layout="stereo", flags=DEFAULT | Disposition.comment),
            Sound(1000, flags=DEFAULT),
        ),
        2,
    ),
    "no description": (
        "matroska",
        (Sound(300, layout="stereo", flags=Disposition.visual_impaired), Sound(1000)),
        2,
    ),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_audio_stream_is_that_of_a_player(name: str) -> None:
    container, sounds, right = SOUNDS[name]
    codec = "mpeg2video" if container == "mpegts" else "libx264"
    data = multi_stream_file(container, Video(codec, rate=25), *sounds)
    assert read(data).info.audio_stream == right


def test_user_may_choose_streams() -> None:
    data = multi_stream_file(
        "matroska",
        Video(flags=DEFAULT),
        Video(size=SMALL, title="from the side"),
        Sound(300, language="fra", flags=DEFAULT),
        Sound(1000),
    )
    info = read(data, Reading(video_stream=1, audio_stream=3)).info
    assert (info.video_stream, info.audio_stream) == (1, 3)
    assert (info.width, info.height) == SMALL
    reader = read(data, Reading(video_stream=1))
    assert [read_number(f.bgr(*SMALL)) for f in reader.frames(3)][:2] == [3, 4]
    for reading in (
        Reading(video_stream=2),
        Reading(video_stream=4),
        Reading(audio_stream=0),
        Reading(audio_stream=9),
    ):
        with pytest.raises(VideoError, match=r"has no (video|audio) stream \d\.") as error:
            read(data, reading)
        assert error.value.code == "no_such_stream"
        assert "1 video, h264, 160 x 96, from the side; 2 audio, aac" in error.value.message
        assert "1 channel, fra" in error.value.message


def test_all_streams_are_listed() -> None:
    info = read(
        multi_stream_file("matroska", FILM, Sound(300, layout="stereo", language="deu"))
    ).info
    video, sound = info.streams
    assert (video.index, video.type, video.codec) == (0, "video", "h264")
    assert (video.width, video.height, video.channels) == (320, 240, None)
    assert (sound.index, sound.type, sound.codec, sound.language) == (1, "audio", "aac", "deu")
    assert (sound.channels, sound.sample_rate, sound.width) == (2, 48_000, None)
    assert not video.cover
    assert not sound.cover
