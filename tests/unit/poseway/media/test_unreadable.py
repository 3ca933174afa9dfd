"""Unreadable or incomplete files: what is readable is read, the rest is explained."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

import av
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from poseway.errors import VideoError
from poseway.media.reader import VideoReader
from tests.support.videos import make_video, numbered, remuxed

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

FRAMES: Final = 40


def read(data: bytes) -> VideoReader:
    return VideoReader(io.BytesIO(data), threads=1)


def noise(index: int) -> NDArray[np.uint8]:
    return np.random.default_rng(index).integers(0, 255, (240, 320, 3), np.uint8)


def sound_file(container: str, codec: str, *, cover: bool = False) -> bytes:
    data = io.BytesIO()
    with av.open(data, "w", format=container) as output:
        tone = cast("AudioStream", output.add_stream(codec, rate=48_000))
        if cover:
            picture = output.add_stream("png", rate=1, width=320, height=240, pix_fmt="rgb24")
            picture.disposition = Disposition.attached_pic
            output.mux(picture.encode(av.VideoFrame.from_ndarray(numbered(0), format="rgb24")))
        silence = av.AudioFrame.from_ndarray(
            np.zeros((2, 48_000), np.float32), format="fltp", layout="stereo"
        )
        silence.sample_rate = 48_000
        output.mux(tone.encode(silence))
        output.mux(tone.encode())
    return data.getvalue()


def cut_mp4() -> bytes:
    """An MP4 with its index first and its end missing."""
    data = remuxed(make_video(FRAMES, picture=noise), "mp4", {"moov_size": "10000"})
    return data[: -len(data) // 3]


BAD: Final[dict[str, tuple[Callable[[], bytes], str, str]]] = {
    "empty": (lambda: b"", "empty_file", "empty"),
    "text": (lambda: b"This is a letter.\n" * 90, "video_unreadable", "not a readable video"),
    "sound": (lambda: sound_file("mp4", "aac"), "no_video_stream", "no video"),
    "sound with a cover": (
        lambda: sound_file("mp3", "libmp3lame", cover=True),
        "no_video_stream",
        "audio and a cover image, but no video",
    ),
    "of an unknown codec": (
        lambda: make_video(5).replace(b"avc1", b"zzzz"),
        "unknown_codec",
        "codec of this file is unknown",
    ),
    "too large": (
        lambda: make_video(1, picture=lambda _: np.zeros((16, 8208, 3), np.uint8)),
        "picture_too_large",
        "8208 x 16",
    ),
    "cut off": (cut_mp4, "video_truncated", "bytes are missing"),
    "without its index": (
        lambda: make_video(FRAMES, picture=noise)[:100_000],
        "video_unreadable",
        "incomplete",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_unreadable_files_are_explained(name: str) -> None:
    make, code, words = BAD[name]
    with pytest.raises(VideoError, match=words) as error:
        read(make())
    assert error.value.code == code


KINDS: Final = {
    "a JPEG XL image": b"\0\0\0\x0cJXL \r\n\x87\n",
    "a JPEG 2000 image": b"\0\0\0\x0cjP  \r\n\x87\n",
    "a Photoshop document": b"8BPS\0\1",
    "a camera's raw image": b"\0\0\0\x18ftypcrx ",
    "a drawing": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    "a PDF document": b"%PDF-1.7",
    "an archive": b"PK\3\4\x14",
    "a web page": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    # A sequence header of VC-1.
    "a raw video stream": b"\0\0\1\x0f\xca\x7c\x30",
}


@pytest.mark.parametrize("name", KINDS)
def test_recognised_formats_are_named(name: str) -> None:
    with pytest.raises(VideoError, match=f"The file is {name}.*, not a readable video") as error:
        read(KINDS[name] + bytes(2000))
    assert error.value.code == "video_unreadable"
    assert "pload" in str(error.value) or "convert" in str(error.value)


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{0}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {0}\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{0}'
        "</BaseURL></Representation></AdaptationSet></Period></MPD>",
    ],
)
def test_playlists_are_not_followed(
    playlist: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("other") / "secret.mp4"
    secret.write_bytes(make_video(FRAMES))
    with pytest.raises(VideoError, match="not a readable video") as error:
        read(playlist.format(secret).encode())
    assert error.value.code == "video_unreadable"


@pytest.mark.parametrize("container", ["matroska", "mpegts", "flv"])
def test_truncated_recording_is_read_to_its_end(container: str) -> None:
    data = make_video(FRAMES, picture=noise, container=container)
    frames = list(read(data[: len(data) // 2]).frames())
    assert FRAMES / 4 < len(frames) < FRAMES * 3 / 4
    assert [frame.index for frame in frames] == list(range(len(frames)))


def test_damaged_packets_are_skipped() -> None:
    data = bytearray(make_video(FRAMES, picture=noise, container="mpegts"))
    middle = len(data) // 2
    data[middle : middle + 30_000] = np.random.default_rng(0).bytes(30_000)
    times = [frame.pts for frame in read(bytes(data)).frames()]
    assert len(times) > FRAMES / 2
    assert times == sorted(set(times))


def test_concatenated_recordings_are_refused() -> None:
    clip = make_video(60, container="mpegts", codec="mpeg2video")
    with pytest.raises(
        VideoError, match=r"After 2\.0 s the timestamps of the video start"
    ) as error:
        list(read(clip + clip).frames())
    assert error.value.code == "timestamps_jump_back"


@pytest.mark.parametrize("container", ["mp4", "avi", "matroska"])
def test_titles_need_not_be_utf8(container: str) -> None:
    data = io.BytesIO()
    with av.open(data, "w", format=container) as output:
        output.metadata["title"] = "Cafe au lait"
        stream = output.add_stream("mpeg4", rate=25, width=320, height=240)
        output.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(0), format="rgb24")))
        output.mux(stream.encode())
    latin = data.getvalue().replace(b"Cafe au lait", b"Caf\xe9 au lait")
    assert latin != data.getvalue()
    assert len(list(read(latin).frames())) == 1
