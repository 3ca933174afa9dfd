"""Files that resemble another format, or have damaged headers, are detected or refused."""

import io
import zipfile
from fractions import Fraction
from typing import Final

import av
import numpy as np
import pytest

from poseway.errors import VideoError
from poseway.media.motion_jpeg import is_motion_jpeg
from poseway.media.reader import VideoReader
from poseway.media.transparency import flattener
from tests.support.still_images import card, encoded
from tests.support.videos import make_video, numbered

JPEG_HEAD: Final = b"\xff\xd8\xff\xe0\0\x04ab"
SCAN: Final = b"\xff\xda\0\x02"


def read(data: bytes) -> VideoReader:
    return VideoReader(io.BytesIO(data), threads=1)


def jpegs(count: int = 12) -> list[bytes]:
    return [encoded(numbered(index), "jpg") for index in range(count)]


@pytest.mark.parametrize(
    "data",
    [
        JPEG_HEAD + SCAN + b"\xff" * (8 << 20),
        b"\xff\xd8" + b"\xff\xe1\0\x02" * (1 << 20),
        b"\xff\xd8\xff",
    ],
    ids=["fill bytes without end", "segments without end", "nothing else"],
)
def test_detection_of_mjpeg_is_bounded(data: bytes) -> None:
    assert not is_motion_jpeg(io.BytesIO(data))


def test_mjpeg_with_a_damaged_first_end_is_a_video() -> None:
    data = b"".join(jpegs()).replace(b"\xff\xd9", b"\0\0", 1)
    reader = read(data)
    assert not reader.info.is_photo
    assert len(list(reader.frames())) >= 11


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as output:
        for index, jpeg in enumerate(jpegs(20)):
            output.writestr(f"{index}.jpg", jpeg)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (archive(), "an archive"),
        (b"%PDF-1.4\n" + b"\nstream\n".join(jpegs(20)), "a PDF document"),
    ],
    ids=["archive", "document"],
)
def test_files_with_embedded_jpegs_are_not_video(data: bytes, kind: str) -> None:
    with pytest.raises(VideoError, match=kind):
        read(data)


@pytest.mark.parametrize("size", range(12, 24))
def test_truncated_webp_header_is_refused(size: int) -> None:
    head = b"RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0"
    with pytest.raises(VideoError):
        read(head[:size])


def test_gif_truncated_anywhere_is_read_or_refused() -> None:
    from PIL import Image

    file = io.BytesIO()
    first, *others = (Image.fromarray(np.roll(card(64, 32), 8 * n, axis=1)) for n in range(4))
    first.save(file, "GIF", save_all=True, append_images=others, duration=40)
    data = file.getvalue()
    for end in range(6, len(data), 7):
        try:
            list(read(data[:end]).frames())
        except VideoError:
            continue


@pytest.mark.parametrize("codec", ["rawvideo", "huffyuv", "qtrle"])
def test_unused_alpha_channel_is_ignored(codec: str) -> None:
    picture = np.dstack((card(64, 32), np.zeros((32, 64), np.uint8)))
    image = av.VideoFrame.from_ndarray(picture, format="rgba")
    seen = flattener(image, codec)(image).to_ndarray(format="rgb24")
    np.testing.assert_array_equal(seen, card(64, 32))
    # Other codecs use the alpha channel.
    assert (flattener(image, "prores")(image).to_ndarray(format="rgb24") == 255).all()


def test_timestamps_that_jump_by_months_are_refused() -> None:
    jump = 100 * 86_400_000
    times = [0, 40, 80, jump, jump + 40]
    data = make_video(5, container="matroska", rate=Fraction(1000), times=times)
    with pytest.raises(VideoError, match=r"jump by 2400\.0 hours") as refused:
        list(read(data).frames())
    assert refused.value.code == "timestamps_jump_back"
